import { expect, test } from 'vitest';
import { LineScanner } from '../../collector/line-protocol/one-pass.ts';
import { ReadingScanner } from '../../collector/readings/scan.ts';
import type { LogRecord } from '../../core/log/port.ts';
import { fuzzFields, inputs } from './inputs.ts';
import { arrivals, recordsOf, rulesOf, unpacked } from './records.ts';

const options = { stream: 'pumps', fields: fuzzFields, maxReadings: 10_000 };
const received = '1800000000000000000';

const texts = (records: readonly LogRecord[]) => records.map(({ key, value }) => `${key} ${Buffer.from(value)}`);

test('of hostile inputs, too, the one pass over the bytes takes only what becomes the same records by the slow path', () => {
  const scanner = new ReadingScanner(options);
  const lines = new LineScanner({ ...options, deviceTag: 'device', measurement: undefined });
  const taken = { ndjson: 0, json: 0, lines: 0 };
  let left = 12_000;
  for (const each of inputs(7)) {
    if (--left < 0) break;
    const bytes = bodyOf(each);
    const isNdjson = each.headers['content-type']?.includes('ndjson');
    const form = each.path.startsWith('/api') ? 'lines' : isNdjson ? 'ndjson' : 'json';
    if (bytes === undefined) continue;
    const body = { bytes, rules: rulesOf(each), received };
    const scanned =
      form === 'lines' ? lines.scan({ ...body, arrival: arrivals() })?.records : scanner.scan({ ...body, form });
    if (!scanned) continue;
    taken[form] += 1;
    expect(texts(scanned)).toEqual(texts(recordsOf({ ...each, body: bytes }).records));
  }
  expect(Math.min(...Object.values(taken))).toBeGreaterThan(10);
});

/** Undefined where the body is no gzip although it says so. */
function bodyOf(input: Parameters<typeof unpacked>[0]): Buffer | undefined {
  try {
    return unpacked(input).body;
  } catch {
    return undefined;
  }
}
