import { sleep } from './sleep.ts';

/**
 * Runs `work` again and again, `ms` milliseconds after the run before it has ended, so slow runs do not pile up. An error ends its own run
 * only; work that wants to report one does so itself. It does not keep the process alive.
 * @returns what ends the polling; a run that has begun is finished
 */
export function poll(ms: number, work: () => Promise<unknown>): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async () => {
    for (;;) {
      await sleep(ms, { signal, ref: false });
      if (signal.aborted) return;
      await work().catch(() => {});
    }
  };
  void run();
  return () => stopping.abort();
}
