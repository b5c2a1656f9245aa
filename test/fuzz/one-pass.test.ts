import { expect, test } from 'vitest';
import { ReadingScanner } from '../../collector/readings/scan.ts';
import type { LogRecord } from '../../core/log/port.ts';
import { fuzzFields, inputs } from './inputs.ts';
import { recordsOf, rulesOf, unpacked } from './records.ts';

const texts = (records: readonly LogRecord[]) => records.map(({ key, value }) => `${key} ${Buffer.from(value)}`);

test('of hostile inputs, too, the one pass over the bytes takes only what becomes the same records by the slow path', () => {
  const scanner = new ReadingScanner({ stream: 'pumps', fields: fuzzFields, maxReadings: 10_000 });
  const taken = { ndjson: 0, json: 0 };
  let left = 12_000;
  for (const each of inputs(7)) {
    if (--left < 0) break;
    if (each.path.startsWith('/api')) continue;
    const form = each.headers['content-type']?.includes('ndjson') ? 'ndjson' : 'json';
    const bytes = bodyOf(each);
    const scanned = bytes && scanner.scan({ bytes, form, rules: rulesOf(each), received: '1800000000000000000' });
    if (!scanned) continue;
    taken[form] += 1;
    expect(texts(scanned)).toEqual(texts(recordsOf({ ...each, body: bytes }).records));
  }
  expect(Math.min(taken.ndjson, taken.json)).toBeGreaterThan(10);
});

/** Undefined where the body is no gzip although it says so. */
function bodyOf(input: Parameters<typeof unpacked>[0]): Buffer | undefined {
  try {
    return unpacked(input).body;
  } catch {
    return undefined;
  }
}
