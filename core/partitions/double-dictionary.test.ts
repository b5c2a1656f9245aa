import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DictionaryRoom } from './dictionary-room.ts';
import { DoubleDictionary } from './double-dictionary.ts';

const gap = Number.NaN;

/** What the places say that stood there. */
function found(dictionary: DoubleDictionary, values: Float64Array): number[] {
  const places = new Uint16Array(values.length);
  expect(dictionary.indexesOf(values, places)).toBe(true);
  return Array.from(places, (place) => dictionary.doubles[place] ?? gap);
}

test('each number has one place, by the order of first sight, beside other dictionaries and after it was cleared', () => {
  const room = new DictionaryRoom();
  const dictionaries = [new DoubleDictionary(1 << 12, room), new DoubleDictionary(1 << 15, room)];
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.double(), fc.integer({ min: -9, max: 9 }), fc.constantFrom(0, -0, gap)), { maxLength: 300 }),
      (numbers) => {
        const values = Float64Array.from(numbers);
        for (const dictionary of dictionaries) {
          dictionary.clear();
          expect(found(dictionary, values)).toEqual(numbers);
          expect(found(dictionary, values)).toEqual(numbers);
          expect([...dictionary.doubles]).toEqual(distinct(numbers));
        }
      },
    ),
  );
});

function distinct(numbers: readonly number[]): number[] {
  const all: number[] = [];
  for (const number of numbers) if (!all.some((one) => Object.is(one, number))) all.push(number);
  return all;
}

test('it grows up to its bound, and tells where numbers hardly come again', () => {
  const often = Float64Array.from({ length: 80_000 }, (_, index) => ((index * 7) % 20_000) / 1_000);
  const dictionary = new DoubleDictionary();
  // At first each is another one.
  expect(dictionary.indexesOf(often, new Uint16Array(often.length))).toBe(false);
  dictionary.clear();
  const few = Float64Array.from(often, (value, index) => (index < 4_096 ? index % 10 : value));
  expect(found(dictionary, few)).toEqual([...few]);
  expect(dictionary.size).toBe(new Set(few).size);
  const small = new DoubleDictionary(1 << 13);
  expect(small.indexesOf(few, new Uint16Array(few.length))).toBe(false);
});
