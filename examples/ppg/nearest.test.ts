import { expect, test } from 'vitest';
import { elementAt } from '../../core/numeric/element.ts';
import simulate, { rate } from './simulator.ts';

const length = 8 * rate;

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
        return { kind, samples: wave.slice(from, from + length) };
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
    for (let at = from; at < from + 50; at += 1) sum += (elementAt(a, at) - elementAt(b, at)) ** 2;
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
  const [train, others] = [windowsOf([101, 102, 103, 104, 105, 106]), windowsOf([201, 202, 203])];
  expect([train.length, others.length]).toEqual([1_080, 540]);
  expect(nearestAccuracy(train, others)).toBeLessThan(0.9);
  expect(nearestAccuracy(train.map(normalised), others.map(normalised))).toBeLessThan(0.9);
});
