import { describe, expect, test } from 'vitest';
import { elementAt } from '../../numeric/element.ts';
import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import { fitRidge } from '../linear/ridge.ts';
import { IntegerConvolver } from './integer-convolver.ts';
import { fitRocket, type Rocket, RocketTransform } from './rocket.ts';
import { readRocket, writeRocket } from './rocket-json.ts';
import { isPadded, kernels, planRocket, taps } from './rocket-plan.ts';

function windows(count: number, width: number, seed: number): Float64Array {
  const random = mulberry32(seed);
  return Float64Array.from({ length: count * width }, (_, at) => Math.sin(at / 3) + random() - 0.5);
}

/** The same by the book: every convolution written out, nothing shared, in double precision. */
function byTheBook({ plan, biases }: Rocket, values: Float64Array): number[] {
  const { length } = plan;
  let feature = 0;
  return plan.dilations.flatMap(({ dilation, biases: each, channels }, index) =>
    kernels.flatMap((heavy, kernel) => {
      const reach = 4 * dilation;
      const from = isPadded(kernel, index) ? 0 : reach;
      const outputs: number[] = [];
      for (let at = from; at < length - from; at++) {
        let sum = 0;
        for (let tap = 0; tap < taps; tap++) {
          const place = at + (tap - 4) * dilation;
          if (place < 0 || place >= length) continue;
          for (const channel of elementAt(channels, kernel))
            sum += (heavy.includes(tap) ? 2 : -1) * elementAt(values, channel * length + place);
        }
        if (!Number.isNaN(sum)) outputs.push(sum);
      }
      return Array.from({ length: each }, () => {
        const bias = elementAt(biases, feature++);
        return outputs.length === 0 ? 0.5 : outputs.filter((output) => output > bias).length / outputs.length;
      });
    }),
  );
}

/** Single precision may put a value that is as large as a bias on its other side. */
function expectAlike(given: Float32Array, wanted: readonly number[]): void {
  expect(given).toHaveLength(wanted.length);
  const off = wanted.filter((share, at) => Math.abs(share - elementAt(given, at)) > 1e-6);
  expect(off.length).toBeLessThan(wanted.length * 0.005);
}

describe.each([
  ['one channel', 1, 9],
  ['one channel, a length that is no multiple of four', 1, 77],
  ['one channel, so long that kernels share triples', 1, 521],
  ['five channels', 5, 61],
])('features are the shares of convolutions that exceed their biases: %s', (_, channels, length) => {
  const plan = planRocket({ channels, length }, 1_000, 7);
  const width = channels * length;
  const values = windows(12, width, 3);
  const fitted = fitRocket(plan, values, 12, 7);
  // A bias is an output of the training data; beside it no rounding decides.
  const rocket = { plan, biases: fitted.biases.map((bias) => bias + 0.0013), integers: false };

  test('of whole windows', () => {
    const given = new RocketTransform(rocket).transform(values, 12);
    for (const row of [0, 5, 11]) {
      const one = values.subarray(row * width, (row + 1) * width);
      expectAlike(given.subarray(row * plan.features, (row + 1) * plan.features), byTheBook(rocket, one));
    }
  });

  test('of windows with gaps, of what could be measured', () => {
    const random = mulberry32(11);
    const gappy = values.map((value) => (random() < 0.1 ? Number.NaN : value)).fill(Number.NaN, width, 2 * width);
    const given = new RocketTransform(rocket).transform(gappy, 3);
    for (const row of [0, 1, 2]) {
      const one = gappy.subarray(row * width, (row + 1) * width);
      expectAlike(given.subarray(row * plan.features, (row + 1) * plan.features), byTheBook(rocket, one));
    }
    expect(new Set(given.subarray(plan.features, 2 * plan.features))).toEqual(new Set([0.5]));
  });

  test('alone as among others, and the same each time', () => {
    const transform = new RocketTransform(rocket);
    const all = transform.transform(values, 12);
    for (const row of [11, 0, 4]) {
      const alone = transform.transform(values.subarray(row * width, (row + 1) * width), 1);
      expect(alone).toEqual(all.subarray(row * plan.features, (row + 1) * plan.features));
    }
    expect(fitRocket(plan, values, 12, 7).biases).toEqual(fitted.biases);
    expect(fitRocket(plan, values, 12, 8).biases).not.toEqual(fitted.biases);
  });

  test('an artifact keeps them, and a file that is not whole is refused', () => {
    const transform = new RocketTransform(rocket);
    const features = transform.transform(values, 12);
    const labels = Int32Array.from({ length: 12 }, (__, row) => row % 2);
    const ridge = fitRidge({ values: features, count: 12, width: plan.features, labels, classes: 2 });
    const file = JSON.parse(JSON.stringify(writeRocket(rocket, ridge)));
    const read = readRocket(file, { width, classes: 2 });
    expect(new RocketTransform(read.rocket).transform(values, 12)).toEqual(features);
    expect(() => readRocket(file, { width: width + 1, classes: 2 })).toThrow('samples, but rows have');
    expect(() => readRocket({ ...file, biases: [1] }, { width, classes: 2 })).toThrow('biases: 1 for');
    const long = file.dilations.map((each: object) => ({ ...each, dilation: length }));
    expect(() => readRocket({ ...file, dilations: long }, { width, classes: 2 })).toThrow('longer than the window');
    expect(() => readRocket(file, { width, classes: 3 })).toThrow('3 classes need 3');
  });
});

describe('whole numbers in place of floats', () => {
  const plan = planRocket({ channels: 1, length: 523 }, 10_000, 7);
  const { features, length } = plan;
  const values = windows(12, length, 3);
  const rocket = fitRocket(plan, values, 12, 7);
  const floats = new RocketTransform({ ...rocket, integers: false });
  const integers = new RocketTransform(rocket);

  // Of a convolution what stands behind the last eight places is masked: each length leaves another rest.
  test.each([...Array.from({ length: 8 }, (_, rest) => 100 + rest), 512, 523])(
    'give what whole numbers give by the book, close to what floats give: %i samples',
    (samples) => {
      const shape = planRocket({ channels: 1, length: samples }, 10_000, 7);
      const some = windows(4, samples, 3);
      const fitted = fitRocket(shape, some, 4, 7);
      const one = some.subarray(samples, 2 * samples);
      const factor = Math.fround(2_730 / Math.max(...one.map(Math.abs)));
      const scaled = one.map((value) => Math.round(Math.fround(Math.fround(value) * factor)));
      const biases = fitted.biases.map((bias) => Math.floor(Math.fround(bias * factor)));
      const ours = new RocketTransform(fitted).transform(one, 1);
      const book = byTheBook({ ...fitted, biases }, scaled);
      const convolver = new IntegerConvolver(shape, fitted.biases);
      convolver.load(one, 0);
      const taken = shape.dilations.flatMap(({ biases: each }, dilation) =>
        new Array<boolean>(each * kernels.length).fill(convolver.takes(dilation)),
      );
      expect(taken.filter(Boolean).length).toBeGreaterThan(shape.features * 0.7);
      expectAlike(
        ours.filter((_, at) => taken[at]),
        book.filter((_, at) => taken[at]),
      );
      const without = new RocketTransform({ ...fitted, integers: false }).transform(one, 1);
      const off = ours.map((share, at) => Math.abs(share - elementAt(without, at)));
      expect(Math.max(...off)).toBeGreaterThan(0);
      expect(off.reduce((sum, each) => sum + each, 0) / shape.features).toBeLessThan(0.005);
    },
  );

  test('are of no use where kernels have one bias, and are then left out', () => {
    const few = planRocket({ channels: 1, length: 523 }, 84, 7);
    expect(fitRocket(few, values, 12, 7).integers).toBe(false);
  });

  test('alone as among others, and after any other window', () => {
    const all = integers.transform(values, 12);
    for (const row of [11, 0, 4]) {
      const alone = integers.transform(values.subarray(row * length, (row + 1) * length), 1);
      expect(alone).toEqual(all.subarray(row * features, (row + 1) * features));
    }
  });

  const expectFloats = (some: Float64Array) => expect(integers.transform(some, 1)).toEqual(floats.transform(some, 1));

  test('are not used for windows with gaps, without a scale, or with one value far beyond the rest', () => {
    const one = values.subarray(0, length);
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, 1e9, -1e9]) expectFloats(one.with(100, odd));
    expectFloats(new Float64Array(length));
    expectFloats(new Float64Array(length).fill(1e-45));
    expect(integers.transform(one, 1)).not.toEqual(floats.transform(one, 1));
  });

  test('are not used where a series is so smooth that rounding would decide', () => {
    const smooth = Float64Array.from({ length: 4 * length }, (_, at) => Math.sin(at / 200));
    const fitted = fitRocket(plan, smooth, 4, 7);
    const first = elementAt(plan.dilations, 0);
    const ofFirst = (whole: boolean) =>
      new RocketTransform({ ...fitted, integers: whole })
        .transform(smooth.subarray(0, length), 1)
        .subarray(0, first.biases * kernels.length);
    expect(ofFirst(true)).toEqual(ofFirst(false));
  });

  test('are of artifacts that say so, with coefficients of 32 bits; others have what they had', () => {
    const labels = Int32Array.from({ length: 12 }, (_, row) => row % 3);
    const ridge = fitRidge({ values: integers.transform(values, 12), count: 12, width: features, labels, classes: 3 });
    const { integers: said, ...before } = JSON.parse(JSON.stringify(writeRocket(rocket, ridge)));
    expect(said).toBe(true);
    const shape = { width: length, classes: 3 };
    const old = readRocket(before, shape);
    expect(old.ridge.coefficients).toBeInstanceOf(Float64Array);
    expect(new RocketTransform(old.rocket).transform(values, 2)).toEqual(floats.transform(values, 2));
    const read = readRocket({ ...before, integers: true }, shape);
    expect(read.ridge.coefficients).toBeInstanceOf(Float32Array);
    expect(new RocketTransform(read.rocket).transform(values, 2)).toEqual(integers.transform(values, 2));
    expect(() => readRocket({ ...before, integers: 1 }, shape)).toThrow('integers');
    const short = planRocket({ channels: 1, length: 50 }, 84, 1);
    const none = writeRocket(fitRocket(short, values, 4, 1), { ...ridge, width: 84 });
    expect(none.integers).toBeUndefined();
    expect(() => readRocket({ ...none, integers: true }, { width: 50, classes: 3 })).toThrow('of this shape');
  });
});

test('there are 84 kernels, and as many features as asked for, down to a multiple of them', () => {
  expect(kernels).toHaveLength(84);
  expect(new Set(kernels.map(String)).size).toBe(84);
  for (const length of [9, 24, 150, 2_000]) {
    const { features, dilations } = planRocket({ channels: 1, length }, 10_000, 1);
    expect(features).toBe(9_996);
    expect(dilations.reduce((sum, { biases }) => sum + biases, 0)).toBe(119);
    for (const { dilation } of dilations) expect(dilation * 8).toBeLessThan(length);
    expect(new Set(dilations.map(({ dilation }) => dilation)).size).toBe(dilations.length);
  }
  expect(() => planRocket({ channels: 1, length: 8 }, 10_000, 1)).toThrow('at least 9');
});
