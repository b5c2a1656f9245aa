import { expect, test } from 'vitest';
import { elementAt } from '../../core/numeric/element.ts';
import simulate, { rate } from './simulator.ts';

/** Every fourth sample is enough to tell waves apart, and every third window of the others. */
const every = 4;
const everyWindow = 3;
const length = (8 * rate) / every;

interface Window {
  readonly kind: string | undefined;
  readonly samples: Float64Array;
}

/** The windows of train.csv and test.csv: nine of each person. */
const windowsOf = (seeds: readonly number[]): Window[] =>
  seeds.flatMap((seed) => {
    const source = simulate({ seed });
    return Array.from(source.devices.keys()).flatMap((device) => {
      const track = source.open(device, 0);
      const wave = new Float64Array(40 * rate);
      let kind: string | undefined;
      for (const at of wave.keys()) kind = track.next(wave.subarray(at, at + 1));
      return Array.from({ length: 9 }, (_, window) => {
        const from = 4 * rate * window;
        return { kind, samples: Float64Array.from({ length }, (_, at) => wave[from + every * at] ?? Number.NaN) };
      });
    });
  });

function normalised({ kind, samples }: Window): Window {
  const mean = samples.reduce((sum, value) => sum + value, 0) / length;
  const spread = Math.sqrt(samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / length);
  return { kind, samples: samples.map((value) => (value - mean) / spread) };
}

/** The squared distance, or at least `most` where it is more. */
function distance(a: Float64Array, b: Float64Array, most: number): number {
  let sum = 0;
  for (let from = 0; from < length && sum < most; from += 50)
    for (let at = from; at < from + 50; at += 1) sum += ((a[at] ?? Number.NaN) - (b[at] ?? Number.NaN)) ** 2;
  return sum;
}

/** How often the nearest training window is of the same kind. */
function nearestAccuracy(train: readonly Window[], test: readonly Window[]): number {
  const right = test.filter(({ kind, samples }) => {
    let nearest = elementAt(train, 0);
    let least = Number.POSITIVE_INFINITY;
    for (const window of train) {
      const far = distance(samples, window.samples, least);
      if (far < least) [nearest, least] = [window, far];
    }
    return nearest.kind === kind;
  });
  return right.length / test.length;
}

test('the nearest training window tells little of people that training did not have', () => {
  const train = windowsOf([101, 102, 103, 104, 105, 106]);
  const others = windowsOf([201, 202, 203]).filter((_, at) => at % everyWindow === 0);
  expect([train.length, others.length]).toEqual([1_080, 180]);
  expect(nearestAccuracy(train, others)).toBeLessThan(0.9);
  expect(nearestAccuracy(train.map(normalised), others.map(normalised))).toBeLessThan(0.9);
});
