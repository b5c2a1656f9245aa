import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { topicsOf } from '../core/wire/stream.ts';
import { loadConfig } from './config/load.ts';
import { leftoverFactSpools, leftoverSpools, splitStoreUrl, topicSpecs } from './open.ts';

const spambase = join(resolve(import.meta.dirname, '..'), 'examples/spambase/stream.yaml');
const stream = { name: 's', fields: ['a'], topics: topicsOf('s') };
const specs = (...set: string[]) => topicSpecs(stream, loadConfig(spambase, set).config);

test('topics are made as the configuration says', () => {
  expect(specs().map(({ name }) => name)).toEqual([
    's.readings',
    's.predictions',
    's.deadletters',
    's.shadow',
    's.status',
    's.state',
  ]);
  expect(specs()[0]).toMatchObject({ partitions: 12, retentionMs: 7 * 86_400_000, flush: false });
  // In all 2 GB, most of it for what grows with each reading.
  const bytes = specs().flatMap(({ retentionBytes }) => retentionBytes ?? []);
  expect(bytes[0]).toBe(800_000_000);
  expect(bytes.reduce((sum, each) => sum + each)).toBeCloseTo(2_000_000_000);
  const changed = specs('log.flush=true', 'log.partitions=3', 'log.retentionDays=1');
  for (const spec of changed) expect(spec).toMatchObject({ partitions: 3, retentionMs: 86_400_000, flush: true });
});

test('a stream that takes facts has a topic for them, of which nothing is deleted by age', () => {
  const { config } = loadConfig(spambase, ['facts={ admission: , age: { values: [age] } }']);
  const made = topicSpecs({ ...stream, facts: { age: ['age'] } }, config);
  expect(made.at(-1)).toMatchObject({ name: 's.facts', compacted: true, replacedMs: 7 * 86_400_000 });
  expect(config.facts).toEqual({ admission: { values: [] }, age: { values: ['age'] } });
});

test('the address of a store is taken apart, and refused where a part is missing', () => {
  expect(splitStoreUrl('http://h:8086/my%20org/b')).toEqual({ url: 'http://h:8086', org: 'my org', bucket: 'b' });
  for (const url of ['http://h:8086', 'http://h:8086/o', 'http://h:8086/o/b/c']) {
    expect(() => splitStoreUrl(url)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  }
});

test('spools of workers that no longer exist are found; those of facts also where the one of readings is gone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-open-'));
  try {
    const files = [
      's.spool.db',
      's.spool.db.facts',
      's.spool-2.db',
      's.spool-2.db.facts',
      's.spool-4.db',
      's.spool-5.db.facts',
    ];
    const others = ['s.spool-2.db.facts-journal', 's.spool-x.db', 'other.spool-9.db', 's.spool-9.db.other'];
    for (const file of [...files, ...others]) writeFileSync(join(folder, file), '');
    const names = (found: readonly string[]) => found.map((file) => basename(file)).sort();
    expect(names(leftoverSpools(folder, stream, 1))).toEqual(['s.spool-2.db', 's.spool-4.db']);
    expect(names(leftoverSpools(folder, stream, 3))).toEqual(['s.spool-4.db']);
    expect(names(leftoverFactSpools(folder, stream))).toEqual(['s.spool-2.db.facts', 's.spool-5.db.facts']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
