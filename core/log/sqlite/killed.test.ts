import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  contents,
  expectContents,
  fixtureOfEachTest,
  kill,
  patient,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import { eagerPacking, sqliteUnderTest } from './testing.ts';

describe.each([{ packing: false }, { packing: eagerPacking }] as const)('with %o', ({ packing }) => {
  let underTest: Awaited<ReturnType<typeof sqliteUnderTest>>;
  const fixture = fixtureOfEachTest(async () => {
    underTest = await sqliteUnderTest({ packing });
    return underTest;
  });

  test('a file whose writers are killed together again and again stays whole', { timeout: testTimeoutMs }, async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const group = fixture().name('group');
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round++) {
      const appender = fixture().spawn({ kind: 'append', topic, batch: 3 });
      const copier = fixture().spawn({ kind: 'copy', from: topic, to: copy, group, maxBatch: 5 });
      await expect.poll(() => appender.told.length, { ...patient, interval: 1 }).toBeGreaterThan(20);
      await expect.poll(() => copier.told.some((line) => line.startsWith('committed')), patient).toBe(true);
      await sleep(Math.random() * 20);
      await Promise.all([kill(appender.child), kill(copier.child)]);
      acknowledged.push(...appender.told);
    }
    const held = sorted(texts(await contents(log, topic)));
    // Each appender counts from 0, so a number may be there once for each of them.
    const count = (numbers: readonly string[]) => Map.groupBy(numbers, (number) => number);
    for (const [number, told] of count(acknowledged)) {
      expect(count(held).get(number)?.length).toBeGreaterThanOrEqual(told.length);
    }
    const last = fixture().spawn({ kind: 'copy', from: topic, to: copy, group, maxBatch: 500 });
    await expectContents(log, copy, held);
    await kill(last.child);
    const db = new DatabaseSync(underTest.file);
    if (packing) expect(db.prepare('SELECT count(*) AS count FROM log_blocks').get()?.count).toBeGreaterThan(10);
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    db.close();
  });
});
