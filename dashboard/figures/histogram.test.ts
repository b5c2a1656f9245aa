import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addTo, count, emptyHistogram, quantile } from './histogram.ts';

function exact(durations: readonly number[], q: number): number {
  const sorted = [...durations].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

test('quantiles are right to half a bucket, which is about two percent', () => {
  const duration = fc.double({ min: 0.01, max: 500_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 300 }), (durations) => {
      const histogram = emptyHistogram();
      for (const ms of durations) count(histogram, ms);
      for (const q of [0.5, 0.99]) {
        const relative = quantile(histogram, q)! / exact(durations, q);
        expect(relative).toBeGreaterThan(0.978);
        expect(relative).toBeLessThan(1.023);
      }
    }),
  );
});

test('histograms add up', () => {
  const one = emptyHistogram();
  const other = emptyHistogram();
  for (let number = 0; number < 98; number += 1) count(one, 1);
  for (let number = 0; number < 2; number += 1) count(other, 1_000);
  addTo(one, other);
  expect(quantile(one, 0.5)).toBeCloseTo(1, 1);
  expect(quantile(one, 0.98)).toBeCloseTo(1, 1);
  expect(quantile(one, 0.99)).toBeGreaterThan(970);
});

test('an empty histogram has no quantiles', () => {
  expect(quantile(emptyHistogram(), 0.5)).toBeNull();
});

test('what clocks that differ make of a duration is counted at the edges', () => {
  const histogram = emptyHistogram();
  count(histogram, -5);
  count(histogram, 0);
  expect(quantile(histogram, 0.99)).toBeCloseTo(0.01, 3);
  for (let number = 0; number < 9; number += 1) count(histogram, 1e12);
  expect(quantile(histogram, 0.5)).toBeGreaterThan(600_000);
});
