import { globSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  fixtureOfEachTest,
  kill,
  numbered,
  numbers,
  patient,
  texts,
} from '../contract/fixture.ts';
import { takeLease } from './lease.ts';
import { sqliteUnderTest } from './testing.ts';

describe('the lease of a group', () => {
  let underTest: Awaited<ReturnType<typeof sqliteUnderTest>>;
  const fixture = fixtureOfEachTest(async () => {
    underTest = await sqliteUnderTest();
    return underTest;
  });

  test('has one holder; the next one gets it when it is given back', async () => {
    const forEver = new AbortController().signal;
    const first = await takeLease(underTest.file, 'a/b group', forEver);
    const other = await takeLease(underTest.file, 'other', forEver);
    const giveUp = new AbortController();
    const given = takeLease(underTest.file, 'a/b group', giveUp.signal);
    giveUp.abort();
    expect(await given).toBeUndefined();
    const waiting = takeLease(underTest.file, 'a/b group', forEver);
    first?.release();
    (await waiting)?.release();
    other?.release();
  });

  test('is taken over at once when the process that holds it is killed', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const group = fixture().name('group');
    const { child, told } = fixture().spawn({ kind: 'copy', from: topic, to: copy, group, maxBatch: 10 });
    await expect.poll(() => told.filter((line) => line.startsWith('assigned')).length, patient).toBe(3);
    const assigned: number[] = [];
    await log.pipe({ from: [topic], group }, { ...copyTo(copy), assigned: async (n) => void assigned.push(n) });
    await log.append(topic, numbered(0, 100), deadline);
    await expectContents(log, copy, numbers(0, 100));
    expect(assigned).toEqual([]);
    await kill(child);
    await expect.poll(() => assigned.length, patient).toBe(3);
    await log.append(topic, numbered(100, 120), deadline);
    await expectContents(log, copy, numbers(0, 120));
  });

  test('keeps members from duplicating anything even where its file was deleted', async () => {
    const [left, right] = [await fixture().open(), await fixture().open()];
    const topic = await fixture().topic(left, 'readings', 1);
    const copy = await fixture().topic(left, 'copy', 1);
    const options = { from: [topic], group: fixture().name('group'), maxBatch: 5 };
    await left.append(topic, numbered(0, 50), deadline);
    await left.pipe(options, copyTo(copy));
    await expectContents(left, copy, numbers(0, 50));
    for (const file of globSync(`${underTest.file}-lease-*`)) rmSync(file);
    await right.pipe(options, copyTo(copy));
    for (let at = 50; at < 500; at += 10) await left.append(topic, numbered(at, at + 10), deadline);
    await expectContents(left, copy, numbers(0, 500));
    expect(texts(await contents(left, copy))).toEqual(numbers(0, 500));
  });
});
