import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EvenSteps } from './even-steps.ts';

const steps = new EvenSteps();
const int64 = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const counts = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(4_095, 4_096, 4_097, 8_191, 8_192, 10_000));
const small = fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n });

test('numbers at a step are written, and their step is found', () => {
  fc.assert(
    fc.property(int64, small, counts, (first, step, count) => {
      const numbers = new BigInt64Array(count);
      steps.fill(numbers, first, step);
      expect(numbers).toEqual(BigInt64Array.from({ length: count }, (_, index) => first + BigInt(index) * step));
      expect(steps.stepOf(numbers)).toBe(count < 2 ? undefined : step);
    }),
  );
});

test('one number that stands elsewhere is seen, wherever', () => {
  fc.assert(
    fc.property(int64, small, fc.integer({ min: 3, max: 9_000 }), fc.nat(), small, (first, step, count, place, by) => {
      fc.pre(by !== 0n);
      const numbers = new BigInt64Array(count);
      steps.fill(numbers, first, step);
      const at = place % count;
      numbers[at] = (numbers[at] ?? 0n) + by;
      expect(steps.stepOf(numbers)).toBeUndefined();
    }),
  );
});

test('steps that lead out of 64 bits are none', () => {
  expect(steps.stepOf(BigInt64Array.of(2n ** 62n, 0n, -(2n ** 62n), 2n ** 63n - 2n ** 63n))).toBeUndefined();
  expect(steps.stepOf(BigInt64Array.of(0n, 2n ** 62n, -(2n ** 63n)))).toBeUndefined();
});
