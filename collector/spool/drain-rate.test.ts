import { expect, test } from 'vitest';
import { DrainRate } from './drain-rate.ts';

test('the rate is that of the last seconds, and nothing once nothing goes out', () => {
  let nowMs = 0;
  const rate = new DrainRate(() => nowMs);
  expect(rate.perSecond).toBe(0);
  for (; nowMs < 20_000; nowMs += 100) rate.add(50);
  expect(rate.perSecond).toBeCloseTo(500, -1);
  nowMs += 5_001;
  expect(rate.perSecond).toBe(0);
  rate.add(30);
  expect(rate.perSecond).toBe(30);
});
