import { expect, test } from 'vitest';
import { ago, count, durationText, measured, moment, percent, plural, rate } from './format.ts';

test.each([
  [0, '0'],
  [0.4, '0.4'],
  [49.96, '50.0'],
  [102_340.4, '102,340'],
])('%d a second is %s', (value, text) => expect(rate(value)).toBe(text));

test('a moment names its day where that is another', () => {
  const now = new Date(2026, 0, 2, 0, 0, 5).getTime();
  expect(moment(now - 5_000, now)).toBe('00:00:00');
  expect(moment(now - 6_000, now)).toBe('Jan 1, 2026, 23:59:59');
});

test.each([
  [0, '0.00 ms'],
  [-3, '0.00 ms'],
  [0.42, '0.42 ms'],
  [4.13, '4.1 ms'],
  [183.4, '183 ms'],
  [2_400, '2.4 s'],
  [192_000, '3.2 min'],
])('%d ms is %s', (ms, text) => expect(durationText(ms)).toBe(text));

test.each([
  [-50, '0 s'],
  [6_400, '6 s'],
  [119_000, '119 s'],
  [600_000, '10 min'],
  [7_200_000, '2 h'],
])('%d ms ago is %s', (ms, text) => expect(ago(ms)).toBe(text));

test.each([
  [0, '0'],
  [12, '12'],
  [0.31234, '0.312'],
  [1234.5678, '1230'],
  [0.000012, '1.2e-5'],
  [-12345678, '-1.2e+7'],
])('the value %d is written %s', (value, text) => expect(measured(value)).toBe(text));

test('shares and counts', () => {
  expect(percent(0.9118)).toBe('91.2%');
  expect(count(1_234_567)).toBe('1,234,567');
  expect([plural(1, 'stage'), plural(2, 'stage')]).toEqual(['1 stage', '2 stages']);
});
