import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

test('Retry-After is seconds or a date', () => {
  const nowMs = Date.parse('2026-01-31T12:00:00Z');
  expect(retryAfterMs('7', nowMs)).toBe(7_000);
  expect(retryAfterMs('Sat, 31 Jan 2026 12:00:09 GMT', nowMs)).toBe(9_000);
  expect(retryAfterMs('Sat, 31 Jan 2026 11:00:00 GMT', nowMs)).toBe(0);
  expect(retryAfterMs('soon', nowMs)).toBe(0);
  expect(retryAfterMs(undefined, nowMs)).toBe(0);
  expect(retryAfterMs('99999999', nowMs)).toBe(3_600_000);
});
