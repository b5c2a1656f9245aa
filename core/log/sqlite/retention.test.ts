import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  fixtureOfEachTest,
  numbered,
  numbers,
  patient,
  sorted,
  texts,
} from '../contract/fixture.ts';
import { type EventLog, totalLag } from '../port.ts';
import { sqliteUnderTest } from './testing.ts';

/** Records that hardly become smaller when they are compressed. */
const large = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: `device-${i % 5}`,
    value: Buffer.concat([Buffer.from(`${from + i} `), randomBytes(1_000)]),
  }));
const held = async (log: EventLog, topic: string) =>
  sorted(texts(await contents(log, topic)).map((value) => value.split(' ')[0] ?? ''));

describe('retention', () => {
  let underTest: Awaited<ReturnType<typeof sqliteUnderTest>>;
  const fixture = fixtureOfEachTest(async () => {
    underTest = await sqliteUnderTest({ retentionCheckMs: 20 });
    return underTest;
  });

  test('deletes records past their age, and only those', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'short', 3, { retentionMs: 1_500 });
    const kept = await fixture().topic(log, 'long', 3);
    await log.append(topic, numbered(0, 2_500), deadline);
    await log.append(kept, numbered(0, 20), deadline);
    expect(await contents(log, topic)).toHaveLength(2_500);
    await expect.poll(() => contents(log, topic), patient).toEqual([]);
    await log.append(topic, numbered(2_500, 2_510), deadline);
    expect(await held(log, topic)).toEqual(numbers(2_500, 2_510));
    expect(await contents(log, kept)).toHaveLength(20);
    // Offsets continue; a group that starts now starts at the oldest record kept.
    const [lag] = (await log.lag(fixture().name('late'), [topic])).filter(({ end }) => end > 0n);
    expect(lag?.committed).toBeGreaterThan(0n);
  });

  test('keeps a topic within its bytes, the newest stay', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 3, { retentionBytes: 500_000 });
    for (let at = 0; at < 3_000; at += 50) {
      await log.append(topic, large(at, at + 50), deadline);
      // What arrived in one millisecond has no age to choose by.
      await sleep(2);
    }
    await expect.poll(async () => (await held(log, topic)).length, patient).toBeLessThan(500);
    const left = await held(log, topic);
    expect(left.length).toBeGreaterThan(300);
    expect(left.at(-1)).toBe('2999');
    for (const device of Map.groupBy(await contents(log, topic), ({ key }) => key).values()) {
      const offsets = device.map(({ offset }) => offset);
      expect(offsets).toEqual([...offsets].sort((a, b) => Number(a - b)));
    }
  });

  test('a topic that is far too large loses of each partition, not the newest of one', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 3);
    // Not so many at once that they are blocks, which are deleted as a whole.
    for (let at = 0; at < 600; at += 100) {
      await log.append(topic, large(at, at + 100), deadline);
      await sleep(5);
    }
    await fixture().topic(log, 'readings', 3, { retentionBytes: 100_000 });
    await expect.poll(async () => (await held(log, topic)).length, patient).toBeLessThan(100);
    const left = await held(log, topic);
    expect(left.length).toBeGreaterThan(50);
    expect(left.at(-1)).toBe('599');
    expect(new Set((await contents(log, topic)).map(({ key }) => key)).size).toBe(5);
  });

  test('never deletes what a group has not taken, and catches up once it has', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 3, { retentionMs: 1, retentionBytes: 1 });
    const copy = await fixture().topic(log, 'copy');
    const slow = { from: [topic], group: fixture().name('slow') };
    const first = await log.pipe(slow, copyTo(copy));
    await log.append(topic, numbered(0, 10), deadline);
    await expectContents(log, copy, numbers(0, 10));
    await first.stop();
    await log.append(topic, large(10, 400), deadline);

    const fast = fixture().name('fast');
    await log.pipe({ from: [topic], group: fast }, { ...copyTo(copy), transform: () => ({ outputs: [] }) });
    await expect.poll(async () => totalLag(await log.lag(fast, [topic])), patient).toBe(0);
    // Records behind both groups go; that the others stay can only be seen by looking again for a while.
    await expect.poll(async () => (await held(log, topic))[0], patient).toBe('10');
    for (let look = 0; look < 5; look++) {
      await sleep(30);
      expect(await held(log, topic)).toEqual(numbers(10, 400));
    }
    const second = await log.pipe(slow, copyTo(copy));
    await expect.poll(() => contents(log, topic), patient).toEqual([]);
    await second.stop();
    expect(await held(log, copy)).toEqual(numbers(0, 400));
  });

  test('never passes the oldest checkpoint, and follows it', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1, { retentionMs: 1, retentionBytes: 1 });
    const copy = await fixture().topic(log, 'copy', 1);
    const state = await fixture().topic(log, 'state', 1, { compacted: true });
    const options = {
      ...{ from: [topic], group: fixture().name('group'), maxBatch: 5 },
      checkpoints: { topic: state, everyRecords: 10, everyMs: 3_600_000 },
    };
    let [isKept, done] = [true, 0];
    const saved: number[] = [];
    const save = () => {
      saved.push(done);
      return isKept ? Buffer.from('state') : undefined;
    };
    const running = await log.pipe(options, { ...copyTo(copy), save });
    const more = async () => {
      await log.append(topic, numbered(done, done + 1), deadline);
      await expectContents(log, copy, numbers(0, done + 1));
      done += 1;
    };
    // One at the first batch, and one after ten more records, or later where the first took long to make.
    while (done < 17 || saved.length < 2) await more();
    const last = saved.at(-1) ?? 0;
    expect(last).toBeGreaterThanOrEqual(10);
    await expect.poll(() => held(log, topic), patient).toEqual(numbers(last, done));
    for (let look = 0; look < 5; look++) {
      await sleep(30);
      expect(await held(log, topic)).toEqual(numbers(last, done));
    }
    isKept = false;
    const checkpoints = saved.length;
    while (saved.length === checkpoints) await more();
    await expect.poll(() => contents(log, topic), patient).toEqual([]);
    await running.stop();
  });

  test('deletes what a later record of a compacted topic has replaced, and nothing by age', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'state', 3, { compacted: true, retentionMs: 1 });
    await log.append(topic, numbered(0, 2_500), deadline);
    await expect.poll(() => held(log, topic), patient).toEqual(numbers(2_495, 2_500));
    await log.append(topic, numbered(2_501, 2_502), deadline);
    await expect.poll(() => held(log, topic), patient).toEqual(['2495', '2497', '2498', '2499', '2501']);
    await sleep(60);
    expect(await held(log, topic)).toHaveLength(5);
  });

  test('gives the space that it freed to new records', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 3, { retentionBytes: 300_000 });
    const size = async () => {
      await expect.poll(async () => (await contents(log, topic)).length, patient).toBeLessThan(300);
      return statSync(underTest.file).size;
    };
    for (let round = 0; round < 3; round++) await log.append(topic, large(0, 1_000), deadline);
    await size();
    const early = statSync(underTest.file).size;
    for (let round = 0; round < 12; round++) {
      await log.append(topic, large(0, 1_000), deadline);
      await size();
    }
    expect(statSync(underTest.file).size).toBeLessThan(early + 6_000_000);
  });
});

test('a log that stops does not wait for the next run of the retention', async () => {
  const own = await sqliteUnderTest({ retentionCheckMs: 3_600_000 });
  const maker = own.create();
  await maker.start();
  await maker.ensureTopics([1, 2, 3].map((n) => ({ name: `topic-${n}`, partitions: 12, retentionMs: 1_000 })));
  await maker.stop();
  const log = own.create();
  await log.start();
  await log.stop();
  await own.remove('');
});
