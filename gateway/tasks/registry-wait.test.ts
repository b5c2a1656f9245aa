import { expect, test, vi } from 'vitest';
import { GaplineError } from '../../core/wire/errors.ts';
import { untilRegistryResponds } from './registry-wait.ts';

const unavailable = new GaplineError('registry-unavailable', 'no response');

test('what a registry does not respond to is repeated until it does; another error is none of its business', async () => {
  const onWait = vi.fn();
  const work = vi.fn<() => Promise<string>>().mockRejectedValueOnce(unavailable).mockResolvedValueOnce('version 1');
  expect(await untilRegistryResponds(work, { onWait })).toBe('version 1');
  expect(onWait.mock.calls).toEqual([[1]]);
  const refused = new GaplineError('registry-refused', 'who are you');
  await expect(untilRegistryResponds(() => Promise.reject(refused))).rejects.toBe(refused);
});

test('whoever waits can be told to end', async () => {
  const abort = new AbortController();
  const waiting = untilRegistryResponds(() => Promise.reject(unavailable), {
    signal: abort.signal,
    onWait: () => abort.abort(),
  });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
