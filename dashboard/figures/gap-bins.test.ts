import { expect, test } from 'vitest';
import { GapBins } from './gap-bins.ts';

test('of few fields every number of gaps is a bin of its own', () => {
  const bins = new GapBins(3);
  expect(bins.upTo).toEqual([0, 1, 2, 3]);
  expect([0, 1, 2, 3].map((gaps) => bins.of(gaps))).toEqual([0, 1, 2, 3]);
});

test.each([11, 57, 500])('of %d fields no gap is a bin of its own, the others are tenths', (fieldCount) => {
  const bins = new GapBins(fieldCount);
  expect(bins.upTo).toHaveLength(11);
  expect(bins.upTo[0]).toBe(0);
  expect(bins.upTo.at(-1)).toBe(fieldCount);
  for (let gaps = 0; gaps <= fieldCount; gaps += 1) {
    const bin = bins.of(gaps);
    expect(gaps).toBeLessThanOrEqual(bins.upTo[bin]!);
    if (bin > 0) expect(gaps).toBeGreaterThan(bins.upTo[bin - 1]!);
  }
});

test('numbers that cannot be do no harm', () => {
  const bins = new GapBins(2);
  expect([-1, 1e9, 1.5, Number.NaN].map((gaps) => bins.of(gaps))).toEqual([0, 2, 1, 0]);
});

test('of windows each bin goes up to twice as many as the one before, behind the bins of readings', () => {
  const bins = new GapBins(2);
  const of = (gaps: number) => bins.upToOfWindows[bins.ofWindow(gaps) - bins.upTo.length];
  expect([0, 1, 2, 3, 4, 5, 57, 300, 1e9, Number.NaN].map(of)).toEqual([0, 1, 2, 4, 4, 8, 64, 512, 65_536, 0]);
  expect(bins.count).toBe(bins.upTo.length + bins.upToOfWindows.length);
});
