import { setTimeout as sleep } from 'node:timers/promises';
import { GaplineError } from '../../core/wire/errors.ts';

const firstMs = 500;
const longestMs = 15_000;

/**
 * Repeats what a registry does not respond to, for as long as it takes: what was trained is not given up because of it.
 * @param onWait - called before each further attempt, with its number
 * @throws what `work` throws for another reason; the reason of `signal` once that is aborted
 */
export async function untilRegistryResponds<T>(
  work: () => Promise<T>,
  { signal, onWait }: { readonly signal?: AbortSignal; readonly onWait?: (attempt: number) => void } = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GaplineError) || error.code !== 'registry-unavailable') throw error;
      onWait?.(attempt);
      await sleep(Math.min(longestMs, firstMs * 2 ** Math.min(10, attempt - 1)), undefined, signal && { signal });
    }
  }
}
