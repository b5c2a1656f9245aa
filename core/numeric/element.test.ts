import { expect, test } from 'vitest';
import { elementAt } from './element.ts';

test('an element is found, a zero too, and one that is not there throws', () => {
  expect(elementAt(['a', 'b'], 1)).toBe('b');
  expect(elementAt(Float64Array.of(0), 0)).toBe(0);
  expect(() => elementAt([1], 1)).toThrow(new RangeError('there is no element 1'));
  expect(() => elementAt(BigInt64Array.of(1n), -1)).toThrow(RangeError);
});
