import { describe, expect, test } from 'vitest';
import { type Dataset, encodeNames } from './dataset.ts';
import { samplingOf } from './sampling.ts';

/** A table of nothing but times, in milliseconds, and devices. */
function table(ms: readonly number[], devices?: readonly string[]): Dataset {
  const count = ms.length;
  return {
    ...{ file: 'samples.csv', fields: ['x'], count, width: 1, values: new Float64Array(count), classes: [] },
    ...{ labels: new Int32Array(count), columns: [], notes: [] },
    times: BigInt64Array.from(ms, (each) => BigInt(Math.round(each * 1e6))),
    ...(devices && { devices: encodeNames(devices) }),
  };
}
const every = (period: number, count = 100, from = 0) => Array.from({ length: count }, (_, at) => from + at * period);

describe('the rate of a table', () => {
  test.each([
    ['a thousand a second', every(1), 1_000, 0],
    ['one in ten seconds', every(10_000), 0.1, 0],
    ['a third of a second, in whole milliseconds', every(1_000 / 3).map(Math.round), 3, 0],
    ['three hundred a second, in whole milliseconds', every(1_000 / 300, 3_000).map(Math.round), 300, 0],
    ['with samples lost', every(10).filter((_, at) => at % 20 !== 7), 100, 5],
    ['with jitter', every(10, 1_000).map((ms, at) => ms + ((at * 7) % 5) - 2), 100, 0],
    ['in two recordings, an hour apart', [...every(10), ...every(10, 100, 3_600_000)], 100, 0],
    ['in any order', every(10).toReversed(), 100, 0],
  ])('%s', (_name, ms, rate, lost) => {
    const found = samplingOf(table(ms));
    expect(found.rate).toBeCloseTo(rate, rate < 1 ? 6 : 1);
    expect(found.lost).toBe(lost);
  });

  test('is that of each device, whose rows may stand between those of others', () => {
    const rows = every(10).flatMap((ms) => [ms, ms]);
    const devices = rows.map((_, at) => `d${at % 2}`);
    expect(samplingOf(table(rows, devices))).toEqual({ rate: 100, lost: 0 });
  });
});

test.each([
  ['no times', { ...table(every(10)), times: undefined }, /no column of times was found; name it with --time COLUMN/],
  ['two rows', table([0, 10]), /fewer than three rows/],
  ['the same times again', table(every(10).flatMap((ms) => [ms, ms])), /name their column with --device COLUMN/],
  [
    'the same times again of one device',
    table(
      every(10).flatMap((ms) => [ms, ms]),
      new Array(200).fill('d'),
    ),
    /100 of 200 rows of one device; remove those rows/,
  ],
  ['times at random', table(every(10).map((ms, at) => ms + ((at * 37) % 61))), /not regular: .* the step resample/],
])('%s is refused, with what to do', (_name, dataset, message) => {
  expect(() => samplingOf(dataset as Dataset)).toThrow(message);
});
