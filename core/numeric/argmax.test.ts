import { expect, test } from 'vitest';
import { argmax } from './argmax.ts';

test('the greatest of a slice is found, counted from where the slice begins', () => {
  const values = Float64Array.of(9, 1, 3, 2, 8);
  expect(argmax(values)).toBe(0);
  expect(argmax(values, 1, 3)).toBe(1);
  expect(argmax(values, 3, 2)).toBe(1);
});

test('of equals the first is taken, and zeros of either sign are equal', () => {
  expect(argmax(Float64Array.of(1, 2, 2))).toBe(1);
  expect(argmax(Float64Array.of(-1, -0, 0))).toBe(1);
});

test('a NaN is not greater than what stands before it', () => {
  expect(argmax(Float64Array.of(1, Number.NaN, 2))).toBe(2);
});
