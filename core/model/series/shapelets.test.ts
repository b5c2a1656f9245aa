import { describe, expect, test } from 'vitest';
import { elementAt } from '../../numeric/element.ts';
import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import { fitRidge } from '../linear/ridge.ts';
import { meansOf } from './deciding.ts';
import { fitShapelets } from './shapelet-fit.ts';
import { readShapelets, writeShapelets } from './shapelet-json.ts';
import { countShapelets, placesOf, type ShapeletSet } from './shapelet-plan.ts';
import { ShapeletTransform } from './shapelets.ts';

function windows(count: number, width: number, seed: number): Float64Array {
  const random = mulberry32(seed);
  return Float64Array.from({ length: count * width }, (_, at) => Math.sin(at / 3) + random() - 0.5);
}

/** By shapelet and place, the squared distance: the samples, with mean and scale taken off where the shapelet is without, one by one. */
function byTheBook(
  set: ShapeletSet,
  values: Float64Array,
): { threshold: number; length: number; distances: number[] }[] {
  return set.groups.flatMap((group) =>
    group.shapelets.map(({ values: wanted, threshold }) => ({
      threshold,
      length: group.length,
      distances: Array.from({ length: placesOf(set, group) }, (_, place) => {
        const from = group.channel * set.length + place;
        const samples = Array.from(wanted, (__, tap) => elementAt(values, from + tap * group.dilation));
        const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
        const scale = Math.sqrt(samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / samples.length);
        const compared = group.normalised ? samples.map((value) => (value - mean) / scale) : samples;
        return compared.reduce((sum, value, tap) => sum + (value - elementAt(wanted, tap)) ** 2, 0);
      }),
    })),
  );
}

/** Rounding of single precision in a squared distance. */
const rounding = 1e-3;

function expectAlike(given: Float32Array, wanted: ReturnType<typeof byTheBook>): void {
  expect(given).toHaveLength(wanted.length * 3);
  for (const [shapelet, { threshold, length, distances }] of wanted.entries()) {
    const [distance = 0, place = 0, share = 0] = given.subarray(shapelet * 3, shapelet * 3 + 3);
    const measured = distances.filter((each) => !Number.isNaN(each));
    const least = Math.min(...measured);
    if (measured.length === 0) {
      expect([distance, place, share]).toEqual([Math.fround(Math.sqrt(2 * length)), distances.length / 2, 0]);
      continue;
    }
    expect(Math.abs(distance ** 2 - least)).toBeLessThan(rounding);
    // Of two places that fit equally well it may be either.
    expect(elementAt(distances, place) - least).toBeLessThan(rounding);
    const sharesBelow = (limit: number) => measured.filter((each) => each < limit).length / measured.length;
    expect(share).toBeGreaterThanOrEqual(Math.fround(sharesBelow(threshold - rounding)));
    expect(share).toBeLessThanOrEqual(Math.fround(sharesBelow(threshold + rounding)));
  }
}

describe.each([
  ['one channel', 1, 40, [5]],
  ['one channel, several lengths', 1, 133, [3, 11, 20]],
  ['three channels', 3, 50, [7]],
])('features are distance, place and occurrences of the best match: %s', (_, channels, length, lengths) => {
  const width = channels * length;
  const values = windows(10, width, 3);
  const labels = Int32Array.from({ length: 10 }, (__, row) => row % 2);
  const options = { count: 150, lengths, dilated: true, seed: 5 };
  const input = { channels, length, values, labels, count: 10, options };
  const set = fitShapelets(input);

  test('of whole windows', () => {
    const transform = new ShapeletTransform(set);
    const given = transform.transform(values, 10);
    for (const row of [0, 9]) {
      const one = values.subarray(row * width, (row + 1) * width);
      expectAlike(given.subarray(row * transform.features, (row + 1) * transform.features), byTheBook(set, one));
    }
  });

  test('of windows with gaps, of the places that were measured', () => {
    const random = mulberry32(2);
    const gappy = values.map((value) => (random() < 0.05 ? Number.NaN : value)).fill(Number.NaN, width, 2 * width);
    const transform = new ShapeletTransform(set);
    const given = transform.transform(gappy, 2);
    for (const row of [0, 1]) {
      const one = gappy.subarray(row * width, (row + 1) * width);
      expectAlike(given.subarray(row * transform.features, (row + 1) * transform.features), byTheBook(set, one));
    }
  });

  test('a shapelet fits the window that it was cut from', () => {
    const transform = new ShapeletTransform(set);
    const all = transform.transform(values, 10);
    for (let shapelet = 0; shapelet < countShapelets(set); shapelet++) {
      const distances = Array.from({ length: 10 }, (__, row) =>
        elementAt(all, row * transform.features + shapelet * 3),
      );
      expect(Math.min(...distances)).toBeLessThan(5e-3);
    }
  });

  test('an artifact keeps them, and a file that is not whole is refused', () => {
    const transform = new ShapeletTransform(set);
    const features = transform.transform(values, 10);
    const ridge = fitRidge({ values: features, count: 10, width: transform.features, labels, classes: 2 });
    const file = JSON.parse(JSON.stringify(writeShapelets(set, ridge)));
    const read = readShapelets(file, { width, classes: 2 });
    expect(new ShapeletTransform(read.set).transform(values, 10)).toEqual(features);
    expect(read.means).toBeUndefined();
    const means = meansOf(features, 10, transform.features);
    const withMeans = JSON.parse(JSON.stringify(writeShapelets(set, ridge, means)));
    const again = readShapelets(withMeans, { width, classes: 2 });
    for (const [at, mean] of means.entries()) expect(again.means?.[at]).toBeCloseTo(mean, 6);
    expect(() => readShapelets({ ...withMeans, means: [1] }, { width, classes: 2 })).toThrow('means: 1 numbers for');
    expect(() => readShapelets(file, { width: width + 1, classes: 2 })).toThrow('samples, but rows have');
    const long = file.groups.map((each: object) => ({ ...each, dilation: length }));
    expect(() => readShapelets({ ...file, groups: long }, { width, classes: 2 })).toThrow('longer than the window');
    const elsewhere = file.groups.map((each: object) => ({ ...each, channel: channels }));
    expect(() => readShapelets({ ...file, groups: elsewhere }, { width, classes: 2 })).toThrow('there are only');
  });
});

test('plain shapelets have their samples side by side, and a seed draws the same ones', () => {
  const values = windows(6, 60, 1);
  const labels = new Int32Array(6);
  const drawn = (seed: number) =>
    fitShapelets({
      ...{ channels: 1, length: 60, values, labels, count: 6 },
      options: { count: 40, lengths: [8, 16], dilated: false, seed },
    });
  expect(drawn(1).groups.every(({ dilation }) => dilation === 1)).toBe(true);
  expect(drawn(1)).toEqual(drawn(1));
  expect(drawn(1)).not.toEqual(drawn(2));
});

test('windows that are too short, or hold nothing, are refused', () => {
  const base = { channels: 1, length: 10, labels: new Int32Array(2), count: 2 };
  const options = { count: 10, lengths: [11], dilated: true, seed: 1 };
  expect(() => fitShapelets({ ...base, values: windows(2, 10, 1), options })).toThrow(
    'fewer than each of shapeletLengths',
  );
  const empty = new Float64Array(20).fill(Number.NaN);
  expect(() => fitShapelets({ ...base, values: empty, options: { ...options, lengths: [3] } })).toThrow('without gaps');
});
