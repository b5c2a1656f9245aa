import { expect, test, vi } from 'vitest';
import { backoffMs, halfRandom } from './backoff.ts';
import { createPace } from './pace.ts';
import { sleep } from './sleep.ts';

/** The delays after the first attempts, with a random source that always returns `random`. */
function delays(random: number, attempts: readonly number[], jitter?: readonly [number, number]): number[] {
  const source = vi.spyOn(Math, 'random').mockReturnValue(random);
  try {
    return attempts.map((attempt) => backoffMs({ firstMs: 100, maxMs: 1_500, ...(jitter && { jitter }) }, attempt));
  } finally {
    source.mockRestore();
  }
}

test('delays double up to their bound, however many attempts have failed', () => {
  expect(delays(0.5, [1, 2, 3, 4, 5, 6, 5_000])).toEqual([100, 200, 400, 800, 1_500, 1_500, 1_500]);
});

test('delays vary between the bounds of the jitter', () => {
  expect(delays(0, [1, 6])).toEqual([80, 1_200]);
  expect(delays(1, [1, 6])).toEqual([120, 1_800]);
  expect(delays(0, [2], halfRandom)).toEqual([100]);
  expect(delays(1, [2], halfRandom)).toEqual([200]);
});

test('a sleep ends at once when its signal aborts, or has aborted', async () => {
  const aborting = new AbortController();
  const sleeping = sleep(3_600_000, { signal: aborting.signal });
  aborting.abort(new Error('stop'));
  await expect(sleeping).resolves.toBeUndefined();
  await expect(sleep(3_600_000, { signal: aborting.signal })).resolves.toBeUndefined();
});

test('a sleep without a signal ends after its time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    let over = false;
    const sleeping = sleep(1).then(() => {
      over = true;
    });
    await sleeping;
    expect(over).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test('the wait after background work ends when it is aborted', async () => {
  const aborting = new AbortController();
  const waiting = createPace(aborting.signal)(600_000);
  aborting.abort();
  await waiting;
});
