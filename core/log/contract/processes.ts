import { expect, test } from 'vitest';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  kill,
  type LogFixture,
  numbered,
  numbers,
  patient,
  sorted,
  texts,
} from './fixture.ts';

export function processes(fixture: () => LogFixture): void {
  test('shares a group between two members: each record once, and all of them after one has left', async () => {
    const [left, right] = [await fixture().open(), await fixture().open()];
    const topic = await fixture().topic(left, 'readings');
    const copy = await fixture().topic(left, 'copy');
    const options = { from: [topic], group: fixture().name('group'), maxBatch: 10 };
    await left.append(topic, numbered(0, 200), deadline);
    const first = await left.pipe(options, copyTo(copy));
    await right.pipe(options, copyTo(copy));
    await right.append(topic, numbered(200, 400), deadline);
    await expectContents(left, copy, numbers(0, 400));
    await first.stop();
    await left.append(topic, numbered(400, 500), deadline);
    await expectContents(right, copy, numbers(0, 500));
  });

  test('sees in one process what another appends, and holds all that was acknowledged before that was killed', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const { child, told } = fixture().spawn({ kind: 'append', topic, batch: 7 });
    await log.pipe({ from: [topic], group: fixture().name('group') }, copyTo(copy));
    await expect.poll(() => told.length, patient).toBeGreaterThan(50);
    await kill(child);
    const held = sorted(texts(await contents(log, topic)));
    expect(held).toEqual(numbers(0, held.length));
    expect(held).toEqual(expect.arrayContaining(told));
    await expectContents(log, copy, held);
  });

  test('loses and duplicates nothing when a member is killed in the middle of a batch', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const options = { from: topic, to: copy, group: fixture().name('group'), maxBatch: 10 };
    await log.append(topic, numbered(0, 300), deadline);
    const { child, told } = fixture().spawn({ kind: 'copy', ...options, hangAt: '150' });
    // It hangs in the batch that holds 150; what came before is committed.
    await expect.poll(() => told.includes('hanging'), patient).toBe(true);
    await expect.poll(() => told.some((line) => line.startsWith('committed')), patient).toBe(true);
    await log.pipe({ ...options, from: [topic] }, copyTo(copy));
    await kill(child);
    await expectContents(log, copy, numbers(0, 300));
  });

  test('loses and duplicates nothing when members are killed again and again at any moment', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const options = { from: topic, to: copy, group: fixture().name('group'), maxBatch: 3 };
    await log.append(topic, numbered(0, 400), deadline);
    for (const commits of [1, 4, 9]) {
      const { child, told } = fixture().spawn({ kind: 'copy', ...options });
      await expect
        .poll(() => told.filter((line) => line.startsWith('committed')).length, { ...patient, interval: 1 })
        .toBeGreaterThanOrEqual(commits);
      await kill(child);
    }
    await log.pipe({ ...options, from: [topic], maxBatch: 100 }, copyTo(copy));
    await expectContents(log, copy, numbers(0, 400));
    for (const own of Map.groupBy(await contents(log, copy), ({ key }) => key).values()) {
      expect(texts(own)).toEqual(sorted(texts(own)));
    }
  });
}
