import { expect, test, vi } from 'vitest';
import { poll } from './poll.ts';

test('a run that takes long is waited for, one that fails is followed by the next, and a stop ends it', async () => {
  const ends: (() => void)[] = [];
  const work = vi.fn(() => new Promise<void>((resolve) => ends.push(resolve)));
  work.mockImplementationOnce(async () => {
    throw new Error('not this time');
  });
  const stop = poll(1, work);
  await expect.poll(() => work.mock.calls.length).toBe(2);
  // Twenty times as long as the pause between two runs.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(work).toHaveBeenCalledTimes(2);
  ends[0]?.();
  await expect.poll(() => work.mock.calls.length).toBe(3);
  stop();
  ends[1]?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(work).toHaveBeenCalledTimes(3);
});
