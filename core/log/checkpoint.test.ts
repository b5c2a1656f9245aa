import { afterEach, expect, test, vi } from 'vitest';
import { Checkpoints } from './checkpoint.ts';

afterEach(() => vi.restoreAllMocks());

/** Checkpoints of one partition by a clock that only the test and `save` move on. */
function open({
  costMs,
  changed = () => false,
  inAnyOrder = false,
}: {
  readonly costMs: number;
  readonly changed?: () => boolean;
  readonly inAnyOrder?: boolean;
}) {
  const clock = { ms: 1_000 };
  vi.spyOn(performance, 'now').mockImplementation(() => clock.ms);
  const checkpoints = Checkpoints.of(
    0,
    { checkpoints: { topic: 'state', everyRecords: 100, everyMs: 1_000, inAnyOrder }, from: ['facts', 'readings'] },
    {
      save() {
        clock.ms += costMs;
        return Uint8Array.of(1);
      },
      checkpointNow: changed,
    },
  );
  if (!checkpoints) throw new Error('there are checkpoints');
  /** Commits a batch after so long. @returns whether a checkpoint went with it */
  return (afterMs: number, records: number, topic = 'readings', commutes = false): boolean => {
    clock.ms += afterMs;
    const batch = { topic, records, commutes };
    const written = checkpoints.due(() => new Map(), batch);
    checkpoints.committed(batch, written);
    return written !== undefined;
  };
}

test('the first batch gets a checkpoint, then one after so many records or so long', () => {
  const commit = open({ costMs: 0 });
  expect(commit(0, 60)).toBe(true);
  expect([commit(1, 60), commit(1, 10), commit(999, 1), commit(1_000, 1)]).toEqual([false, true, false, true]);
});

test('one that takes long is made seldom, but where the state changes otherwise or inputs come out of order', () => {
  let isChanged = false;
  const commit = open({ costMs: 200, changed: () => isChanged });
  expect(commit(0, 1_000)).toBe(true);
  // 50 times 200 ms.
  expect([commit(5_000, 1_000), commit(4_999, 1_000), commit(1, 1)]).toEqual([false, false, true]);
  expect(commit(1, 1)).toBe(false);
  isChanged = true;
  expect(commit(1, 1)).toBe(true);
  isChanged = false;
  expect([commit(1, 1), commit(1, 1, 'facts')]).toEqual([false, true]);
});

test('inputs that alternate make none due where the state does not depend on their order', () => {
  const commit = open({ costMs: 0, inAnyOrder: true });
  expect([commit(0, 1), commit(1, 1, 'facts'), commit(1, 1), commit(1, 1, 'facts')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(commit(1_000, 1, 'facts')).toBe(true);
});

test('a batch out of order makes one due only where it, or one that it would come before, does not commute', () => {
  const commit = open({ costMs: 0 });
  expect(commit(0, 1, 'readings', true)).toBe(true);
  expect([commit(1, 1, 'facts', true), commit(1, 1, 'readings', true), commit(1, 1, 'facts', true)]).toEqual([
    false,
    false,
    false,
  ]);
  // It comes behind readings that commute, and does not.
  expect(commit(1, 1, 'facts')).toBe(true);
  expect([commit(1, 1, 'facts'), commit(1, 1, 'readings'), commit(1, 1, 'readings', true)]).toEqual([
    false,
    false,
    false,
  ]);
  expect(commit(1, 1, 'facts', true)).toBe(true);
  expect([commit(1, 1, 'readings', true), commit(1, 1, 'facts', true)]).toEqual([false, false]);
});
