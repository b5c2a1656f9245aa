import { expect, test } from 'vitest';
import { SpareArrays } from './spare-arrays.ts';

const spares = (options: Partial<ConstructorParameters<typeof SpareArrays>[1]> = {}) =>
  new SpareArrays<Float64Array>(Float64Array, { arrays: 4, bytes: 1 << 20, ...options });

test('an array is used again once it is given back, by whoever asks for no more', () => {
  const spare = spares();
  const first = spare.take(80);
  expect([first.length, spare.take(80) === first]).toEqual([90, false]);
  spare.give(first);
  expect(spare.take(91)).not.toBe(first);
  expect(spare.take(90)).toBe(first);
});

test('the smallest that is long enough is taken', () => {
  const spare = spares();
  const [small, middle, large] = [80, 160, 320].map((length) => spare.take(length));
  for (const array of [large, small, middle]) if (array) spare.give(array);
  expect([spare.take(81), spare.take(160), spare.take(200)]).toEqual([small, middle, large]);
});

test('one that is by far too long is left to others', () => {
  const spare = spares();
  const large = spare.take(1_000);
  spare.give(large);
  expect(spare.take(200)).not.toBe(large);
  expect(spare.take(300)).toBe(large);
});

test.each([
  ['few', { arrays: 3 }],
  ['not much', { bytes: 3 * 9 * 8 }],
])('it keeps %s', (_, bound) => {
  const spare = spares({ arrays: 100, ...bound });
  const taken = Array.from({ length: 20 }, () => spare.take(8));
  for (const array of taken) spare.give(array);
  const again = Array.from({ length: 20 }, () => spare.take(8));
  expect(again.filter((array) => taken.includes(array))).toHaveLength(3);
});
