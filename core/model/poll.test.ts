import { expect, onTestFinished, test, vi } from 'vitest';
import { type PollOptions, poll } from './poll.ts';

const patient = { timeout: 15_000, interval: 5 };

/** Looks again and again until the test ends. */
function looking(look: PollOptions['look'], options: Partial<PollOptions> = {}) {
  const refused: string[] = [];
  const counted = vi.fn(look);
  const { stop } = poll({
    ...{ everyMs: 1, ...options, look: counted },
    refused: (error) => refused.push((error as Error).message),
  });
  onTestFinished(stop);
  const looks = () => counted.mock.calls.length;
  async function more(count: number): Promise<void> {
    const enough = looks() + count;
    await vi.waitFor(() => expect(looks()).toBeGreaterThanOrEqual(enough), patient);
  }
  return { more, looks, refused, stop };
}

test('reports a reason once while polls in a row fail for it, and again after one that went well', async () => {
  let trouble: string | undefined = 'away';
  const { more, refused } = looking(async () => {
    if (trouble) throw new Error(trouble);
  });
  await more(4);
  expect(refused).toEqual(['away']);
  trouble = 'broken';
  await more(4);
  expect(refused).toEqual(['away', 'broken']);
  trouble = undefined;
  await more(2);
  trouble = 'broken';
  await more(4);
  expect(refused).toEqual(['away', 'broken', 'broken']);
});

test('polls at once only where that is wanted', async () => {
  const far = { everyMs: 3_600_000 };
  const waiting = looking(async () => {}, far);
  const eager = looking(async () => {}, { ...far, atOnce: true });
  await eager.more(1);
  expect(waiting.looks()).toBe(0);
});

test('stops after the poll under way, which is aborted, and reports nothing of how that ends', async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  const resume = Promise.withResolvers<void>();
  const { stop, refused, looks } = looking(async (stopping) => {
    begun.resolve(stopping);
    await resume.promise;
    throw new Error('too late');
  });
  const stopping = await begun.promise;
  expect(stopping.aborted).toBe(false);
  const stopped = vi.fn();
  const ended = stop().then(stopped);
  expect(stopping.aborted).toBe(true);
  await new Promise(setImmediate);
  expect(stopped).not.toHaveBeenCalled();
  resume.resolve();
  await ended;
  expect(refused).toEqual([]);
  expect(looks()).toBe(1);
});
