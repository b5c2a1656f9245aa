import { expect, it } from 'vitest';
import { openLast } from './last.ts';

const gap = Number.NaN;
const fill = [100, 200];

/** One batch: `[device, seconds, values]` by row. */
function rowsOf(...rows: [device: string, seconds: number, values: [number, number]][]) {
  return {
    count: rows.length,
    width: 2,
    values: Float64Array.from(rows.flatMap(([, , values]) => values)),
    devices: rows.map(([device]) => device),
    times: BigInt64Array.from(rows, ([, seconds]) => BigInt(seconds) * 1_000_000_000n),
  };
}

function filled(session: ReturnType<ReturnType<typeof openLast>['open']>, rows: ReturnType<typeof rowsOf>) {
  const into = new Float64Array(rows.values.length);
  session.fill(rows, into)?.();
  return [...into];
}

it('fills by device with the last value, else with the mean', () => {
  const session = openLast({ fill, maxAgeMs: 3_600_000 }).open();
  session.warm(rowsOf(['a', 1, [1, gap]], ['b', 2, [2, 20]]));
  expect(
    filled(session, rowsOf(['a', 3, [gap, gap]], ['b', 3, [gap, gap]], ['c', 3, [gap, 30]], ['c', 4, [gap, gap]])),
  ).toEqual([1, 200, 2, 20, 100, 30, 100, 30]);
});

it('does not use a value older than the limit', () => {
  const session = openLast({ fill, maxAgeMs: 10_000 }).open();
  session.warm(rowsOf(['a', 0, [1, 10]], ['a', 5, [gap, 11]]));
  expect(filled(session, rowsOf(['a', 10, [gap, gap]]))).toEqual([1, 11]);
  expect(filled(session, rowsOf(['a', 11, [gap, gap]]))).toEqual([100, 11]);
  expect(filled(session, rowsOf(['a', 16, [gap, gap]]))).toEqual([100, 200]);
});

it('takes the newest value whatever the order of arrival, and none from the future', () => {
  const session = openLast({ fill, maxAgeMs: 3_600_000 }).open();
  session.warm(rowsOf(['a', 20, [2, 20]], ['a', 10, [1, 10]]));
  expect(filled(session, rowsOf(['a', 30, [gap, gap]], ['a', 15, [gap, gap]]))).toEqual([2, 20, 100, 200]);
});

it('forgets the device that was silent longest when there are too many', () => {
  const session = openLast({ fill, maxAgeMs: 3_600_000, maxValues: 4 }).open();
  session.warm(rowsOf(['a', 1, [1, 1]], ['b', 1, [2, 2]]));
  session.warm(rowsOf(['a', 2, [3, 3]], ['c', 2, [4, 4]]));
  const later = rowsOf(['a', 3, [gap, gap]], ['b', 3, [gap, gap]], ['c', 3, [gap, gap]]);
  expect(filled(session, later)).toEqual([3, 3, 100, 200, 4, 4]);
});

it('remembers the same after its memory was saved and loaded, and refuses that of others', () => {
  const options = { fill, maxAgeMs: 3_600_000, maxValues: 6 };
  const first = openLast(options).open();
  first.warm(rowsOf(['ä', 3, [1, gap]], ['b', 2, [gap, 20]], ['ä', 1, [9, 10]]));
  const second = openLast(options).open();
  second.memory?.load(first.memory?.save() ?? new Uint8Array(0));
  const next = rowsOf(['c', 4, [gap, 3]], ['d', 4, [4, 4]], ['ä', 5, [gap, gap]], ['b', 5, [gap, gap]]);
  expect(filled(second, next)).toEqual(filled(first, next));
  expect(second.memory?.save()).toEqual(first.memory?.save());
  const other = openLast({ ...options, fill: [1, 2, 3] }).open();
  expect(() => other.memory?.load(first.memory?.save() ?? new Uint8Array(0))).toThrow(RangeError);
});
