import { expect, it } from 'vitest';
import { mulberry32, shuffle } from './mulberry32.ts';

it('random numbers are the same by seed, below one, and even', () => {
  const numbers = Array.from({ length: 10_000 }, mulberry32(7));
  expect(Array.from({ length: 10_000 }, mulberry32(7))).toEqual(numbers);
  expect(Array.from({ length: 10 }, mulberry32(8))).not.toEqual(numbers.slice(0, 10));
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  const tenths = new Array<number>(10).fill(0);
  for (const number of numbers) tenths[Math.floor(number * 10)]! += 1;
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

it('a shuffle keeps what it shuffles, and each goes anywhere', () => {
  const random = mulberry32(3);
  const places = Array.from({ length: 5 }, () => new Set<number>());
  for (let round = 0; round < 200; round++) {
    const items = Int32Array.of(0, 1, 2, 3, 4);
    shuffle(items, random);
    expect([...items].sort()).toEqual([0, 1, 2, 3, 4]);
    items.forEach((item, place) => void places[item]!.add(place));
  }
  for (const seen of places) expect(seen.size).toBe(5);
});
