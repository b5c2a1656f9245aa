import { expect, test } from 'vitest';
import { KeyedRandom, permutation, xoshiro128StarStar } from './keyed-random.ts';

const draw = (random: KeyedRandom, count: number) => Array.from({ length: count }, () => random.next());

test('the generator gives the numbers of its reference', () => {
  // The first outputs of the authors' C code from the state 1, 2, 3, 4, as the tests of Rust's rand_xoshiro have them.
  const state = Int32Array.of(1, 2, 3, 4);
  const outputs = Array.from({ length: 10 }, () => xoshiro128StarStar(state));
  expect(outputs).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ]);
});

test('a key gives the same numbers each time, and other keys give others', () => {
  const random = new KeyedRandom();
  const first = draw(random.at(1, 2, 3), 5);
  expect(draw(random.at(1, 2, 3), 5)).toEqual(first);
  for (const [seed, stream, index] of [
    [2, 2, 3],
    [1, 3, 3],
    [1, 2, 4],
    [1, 2, 3 + 2 ** 32],
    [1, -1, 3],
  ] as const)
    expect(draw(random.at(seed, stream, index), 5)).not.toEqual(first);
});

test('first numbers of neighbouring keys are uniform and not alike', () => {
  const random = new KeyedRandom();
  const firsts = Array.from({ length: 20_000 }, (_, index) => random.at(7, index % 20, Math.floor(index / 20)).next());
  const bins = new Array<number>(20).fill(0);
  for (const value of firsts) bins[Math.floor(value * 20)]! += 1;
  // 19 degrees of freedom: 43.8 is passed by one uniform sample in a thousand, and this sample is always the same.
  const chiSquared = bins.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
  expect(chiSquared).toBeLessThan(43.8);
  const mean = firsts.reduce((a, b) => a + b) / firsts.length;
  const product = firsts.slice(1).reduce((sum, value, at) => sum + (value - mean) * (firsts[at]! - mean), 0);
  expect(Math.abs(product / firsts.length / (1 / 12))).toBeLessThan(0.03);
});

test('a permutation holds each number once', () => {
  const order = permutation(100, new KeyedRandom().at(1, 0, 0));
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
});
