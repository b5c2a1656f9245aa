import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram, RecentLatency } from './latency-histogram.ts';

function histogramOf(latencies: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const ms of latencies) histogram.record(ms);
  return histogram;
}

test('quantiles are within 3 % of the exact ones, whatever is recorded', () => {
  const latency = fc.double({ min: 0.04, max: 4_000_000, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, share) => {
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(share * all.length) - 1)]!;
        const error = Math.abs(histogramOf(all).quantile(share) - exact);
        expect(error).toBeLessThanOrEqual(exact * 0.03 + 0.001);
      },
    ),
  );
});

test('nothing recorded is 0, and extremes stay in range', () => {
  expect(new LatencyHistogram().quantile(0.5)).toBe(0);
  expect(histogramOf([0, -5]).quantile(1)).toBe(0);
  expect(histogramOf([1e12]).quantile(0.5)).toBeGreaterThan(4_200_000);
});

test('every bucket but the last holds its own middle', () => {
  for (let us = 1; us < 4e9; us = Math.ceil(us * 1.01)) {
    const middle = histogramOf([us / 1_000]).quantile(1);
    expect(histogramOf([middle]).quantile(1)).toBe(middle);
  }
});

test('the recent latency forgets the past but never all of the last half of its window', () => {
  const recent = new RecentLatency(10_000);
  recent.record(500, 0);
  recent.record(1, 6_000);
  expect(recent.quantile(1, 6_000)).toBeGreaterThan(480);
  expect(recent.quantile(1, 11_500)).toBeCloseTo(1, 1);
  expect(recent.quantile(1, 60_000)).toBe(0);
});
