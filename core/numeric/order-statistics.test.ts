import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeOrderStatistics } from './order-statistics.ts';

const values = fc.oneof(
  fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 300 }),
  // Many of one value.
  fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 300 }),
  fc.integer({ min: 1, max: 300 }).map((length) => Array.from({ length }, (_, at) => at)),
  fc.integer({ min: 1, max: 300 }).map((length) => Array.from({ length }, (_, at) => -at)),
);

test('what is asked for stands where it would stand if all were sorted, and nothing is lost', () => {
  fc.assert(
    fc.property(values, fc.array(fc.nat(299), { maxLength: 20 }), (given, wanted) => {
      const all = Float32Array.from(given, (value) => value + 0);
      const sorted = all.slice().sort();
      const places = wanted.filter((at) => at < all.length).sort((a, b) => a - b);
      placeOrderStatistics(all, places);
      expect(places.map((at) => all[at])).toEqual(places.map((at) => sorted[at]));
      expect(all.sort()).toEqual(sorted);
    }),
  );
});
