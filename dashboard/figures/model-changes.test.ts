import { expect, test } from 'vitest';
import { ModelChanges } from './model-changes.ts';

const changesAt = [0, 100_000, 200_000, 300_000];
const partitions = 12;

/** What labelled at a time: versions 1, 2, 1, 3; each partition follows a little later than the one before. */
const versionAt = (at: number, partition: number): number => {
  const index = changesAt.findLastIndex((change) => change === 0 || change + partition * 300 <= at);
  return [1, 2, 1, 3][index] ?? 0;
};

const records = Array.from({ length: 4_000 }, (_, index) => ({ at: index * 100, partition: (index * 7) % partitions }));
const changesOf = (order: typeof records): ModelChanges => {
  const changes = new ModelChanges();
  for (const { at, partition } of order)
    changes.take({ name: 'm', version: versionAt(at, partition) }, { partition, arrivedMs: at });
  return changes;
};

test('a model that changes is seen once, although partitions follow at moments of their own', () => {
  const changes = changesOf(records);
  expect(changes.list.map(({ version }) => version)).toEqual([2, 1, 3]);
  expect(changes.current).toEqual({ name: 'm', version: 3 });
});

test('after a restart one partition is read after the other: the same changes at the same times', () => {
  const live = changesOf(records);
  for (const order of [
    records.toSorted((left, right) => left.partition - right.partition),
    records.toSorted((left, right) => right.partition - left.partition),
  ]) {
    const replayed = changesOf(order);
    expect(replayed.list).toEqual(live.list);
    expect(replayed.current).toEqual(live.current);
  }
});

test('a partition that was idle brings no change of its own', () => {
  const changes = new ModelChanges();
  const take = (version: number, partition: number, arrivedMs: number): void =>
    changes.take({ name: 'm', version }, { partition, arrivedMs });
  take(1, 0, 0);
  take(1, 1, 10);
  take(2, 0, 50_000);
  take(2, 1, 500_000);
  expect(changes.list).toEqual([{ at: 50_000, version: 2 }]);
});

test('what is kept is bounded', () => {
  const changes = new ModelChanges();
  for (let index = 0; index < 1_000; index += 1)
    changes.take({ name: 'm', version: index }, { partition: 0, arrivedMs: index * 60_000 });
  expect(changes.list).toHaveLength(20);
  expect(changes.list.at(-1)?.version).toBe(999);
});
