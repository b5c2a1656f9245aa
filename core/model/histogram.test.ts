import fc from 'fast-check';
import { expect, it } from 'vitest';
import { binOf, histogramsOf } from './histogram.ts';

const column = fc.array(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: 0, max: 3 }),
    fc.constant(Number.NaN),
  ),
  {
    minLength: 1,
    maxLength: 100,
  },
);

it('counts every measured value once, in the bin that it falls into', () => {
  fc.assert(
    fc.property(column, (values) => {
      const [histogram] = histogramsOf({ count: values.length, width: 1, values: Float64Array.from(values) });
      const { min, max, edges, counts, gaps } = histogram!;
      const measured = values.filter((value) => !Number.isNaN(value));
      expect(gaps).toBe(values.length - measured.length);
      expect(counts.length).toBe(edges.length + 1);
      expect(edges.length).toBeLessThan(10);
      expect([...edges].sort((a, b) => a - b)).toEqual(edges);
      const expected = counts.map(() => 0);
      for (const value of measured) {
        expected[binOf(edges, value)]! += 1;
        expect(value).toBeGreaterThanOrEqual(min);
        expect(value).toBeLessThanOrEqual(max);
      }
      expect(counts).toEqual(expected);
      if (measured.length > 0) expect(counts.every((each) => each > 0)).toBe(true);
    }),
  );
});

it('cuts different values into ten equal bins', () => {
  const values = Float64Array.from({ length: 1_000 }, (_, row) => (row * 7919) % 1_000);
  const [{ counts } = { counts: [] }] = histogramsOf({ count: 1_000, width: 1, values });
  expect(counts).toEqual(new Array(10).fill(100));
});
