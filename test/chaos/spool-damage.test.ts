import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { Spool } from '../../collector/spool/spool.ts';
import { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import { identities, identityOf } from '../line/identities.ts';
import { damageSpool } from './spool-damage.ts';

function open(file: string, lost: (readings: number) => void): Spool {
  return new Spool({ file, maxBytes: 1e9, logger: pino({ level: 'silent' }), lost, nowMs: Date.now });
}

const record = (chunk: number, at: number, bytes: number) => ({
  key: `device ${at}`,
  value: Buffer.from(JSON.stringify({ device: `device ${at}`, time: String(chunk), filling: 'x'.repeat(bytes) })),
});

/** A spool with chunks of many sizes, some of them longer than a page, and what it held. */
function fill(file: string, random: KeyedRandom): Set<string> {
  const spool = open(file, () => {});
  spool.start();
  const held: string[] = [];
  for (let chunk = 0; chunk < 30; chunk += 1) {
    const records = Array.from({ length: 1 + Math.floor(random.next() * 10) }, (_, at) =>
      record(chunk, at, Math.floor(random.next() * 2_000)),
    );
    spool.append(records);
    held.push(...identities(records.map(({ value }) => JSON.parse(value.toString()))));
  }
  // Half of the time it was being sent, so that its mark lies behind its first chunks.
  const batch = spool.next(Math.floor(random.next() * 100_000));
  if (batch && random.next() < 0.5) spool.sending(batch);
  spool.stop();
  return new Set(held);
}

function drain(file: string): { found: Set<string>; told: number } {
  let told = 0;
  const spool = open(file, (readings) => {
    told += readings;
  });
  spool.start();
  const found = new Set<string>();
  for (let batch = spool.next(0); batch; batch = spool.next(0)) {
    for (const { value } of batch.records) found.add(identityOf(JSON.parse(Buffer.from(value).toString())));
    spool.remove(batch);
  }
  spool.stop();
  return { found, told };
}

test('a spool gives out all but what sat in the damaged part, and tells of that', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-damage-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let excused = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const file = join(folder, `${seed}.db`);
    const random = new KeyedRandom().at(seed, 0, 0);
    const held = fill(file, random);
    const damage = damageSpool(file, random);
    expect(damage.held).toBe(held.size);
    excused += damage.excused.length;
    const { found, told } = drain(file);
    const missing = [...held.difference(found)];
    const context = `seed ${seed}: ${damage.what}`;
    expect(
      missing.filter((identity) => !damage.excused.includes(identity)),
      context,
    ).toEqual([]);
    expect([...found.difference(held)], context).toEqual([]);
    if (missing.length > 0) expect(told, context).toBeGreaterThan(0);
  }
  expect(excused).toBeGreaterThan(0);
});
