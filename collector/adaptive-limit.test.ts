import { expect, test } from 'vitest';
import { AdaptiveLimit } from './adaptive-limit.ts';

const options = { minBytes: 1_000, maxBytes: 32_000, targetMs: 250 };

/** Simulates a log that takes so many bytes a millisecond while senders use all of the limit. Returns how long the last ones waited, in ms. */
function settle(bytesPerMs: number, limit: AdaptiveLimit): number {
  let waitedMs = 0;
  for (let turn = 0, nowMs = 0; turn < 200; turn += 1, nowMs += waitedMs) {
    let inProgress = 0;
    while (limit.allows(inProgress)) inProgress += 100;
    waitedMs = inProgress / bytesPerMs;
    limit.observe(inProgress, waitedMs, nowMs);
  }
  return waitedMs;
}

test.each([8, 20, 60, 110])(
  'with a log of %i bytes a millisecond readings wait about as long as the target',
  (speed) => {
    const waitedMs = settle(speed, new AdaptiveLimit(options));
    expect(waitedMs).toBeGreaterThan(100);
    expect(waitedMs).toBeLessThan(500);
  },
);

test('the limit stays within its bounds with a log that is very slow or very fast, and follows one that changes', () => {
  const limit = new AdaptiveLimit(options);
  settle(0.1, limit);
  expect(limit.limitBytes).toBe(1_000);
  settle(10_000, limit);
  expect(limit.limitBytes).toBe(32_000);
  settle(0.1, limit);
  expect(limit.limitBytes).toBe(1_000);
});

test('the limit does not grow while no more is wanted, so that a quiet hour gives a sudden flood no higher limit', () => {
  const limit = new AdaptiveLimit(options);
  for (let turn = 0; turn < 100; turn += 1) {
    expect(limit.allows(100)).toBe(true);
    limit.observe(100, 1, turn);
  }
  expect(limit.limitBytes).toBe(8_000);
});
