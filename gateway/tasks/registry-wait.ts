import { backoffMs } from '../../core/retry/backoff.ts';
import { sleep } from '../../core/retry/sleep.ts';
import { GaplineError } from '../../core/wire/errors.ts';

const backoff = { firstMs: 500, maxMs: 15_000 };

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
      await sleep(backoffMs(backoff, attempt), signal && { signal });
      signal?.throwIfAborted();
    }
  }
}
