import { expect, test } from 'vitest';
import { SpareArrays } from './spare-arrays.ts';

test('an array is used again once it is given back, by whoever asks for no more', () => {
  const spare = new SpareArrays();
  const first = spare.take(80);
  const second = spare.take(80);
  expect([first.length, second.buffer === first.buffer]).toEqual([80, false]);
  spare.give(first);
  const third = spare.take(88);
  expect([third.length, third.buffer === first.buffer]).toEqual([88, true]);
  spare.give(third);
  const larger = spare.take(1_000);
  expect([larger.length, larger.buffer === first.buffer]).toEqual([1_000, false]);
});

test('it keeps few', () => {
  const spare = new SpareArrays();
  const taken = Array.from({ length: 20 }, () => spare.take(8));
  for (const array of taken) spare.give(array);
  const buffers = new Set(taken.map(({ buffer }) => buffer));
  const again = Array.from({ length: 20 }, () => spare.take(8));
  expect(again.filter(({ buffer }) => buffers.has(buffer))).toHaveLength(4);
});
