import { expect, test } from 'vitest';
import { Pace } from './adaptive-limit.ts';

const options = { leastBytes: 1_000, mostBytes: 32_000, targetMs: 250 };

/** A log of so many bytes a millisecond, before which as much waits as the pace allows; gives what waited at the end, in milliseconds. */
function settle(bytesPerMs: number, pace: Pace): number {
  let waitedMs = 0;
  for (let turn = 0, nowMs = 0; turn < 200; turn += 1, nowMs += waitedMs) {
    let underWay = 0;
    while (pace.allows(underWay)) underWay += 100;
    waitedMs = underWay / bytesPerMs;
    pace.note(underWay, waitedMs, nowMs);
  }
  return waitedMs;
}

test.each([8, 20, 60, 110])(
  'before a log of %i bytes a millisecond readings wait about as long as they should',
  (speed) => {
    const waitedMs = settle(speed, new Pace(options));
    expect(waitedMs).toBeGreaterThan(100);
    expect(waitedMs).toBeLessThan(500);
  },
);

test('it stays within its bounds before a log that is very slow or very fast, and follows one that changes', () => {
  const pace = new Pace(options);
  settle(0.1, pace);
  expect(pace.limitBytes).toBe(1_000);
  settle(10_000, pace);
  expect(pace.limitBytes).toBe(32_000);
  settle(0.1, pace);
  expect(pace.limitBytes).toBe(1_000);
});

test('as long as nothing more is wanted it does not grow, so that a sudden flood finds no more room than the last one', () => {
  const pace = new Pace(options);
  for (let turn = 0; turn < 100; turn += 1) {
    expect(pace.allows(100)).toBe(true);
    pace.note(100, 1, turn);
  }
  expect(pace.limitBytes).toBe(8_000);
});
