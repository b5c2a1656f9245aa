import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GaplineError } from '../core/wire/errors.ts';
import type { FoldAnswer, FoldJob, FoldScore } from './score-fold.ts';

/** Runs folds one after the other in a thread, which is ended where a fold takes too long. */
export class FoldRunner {
  #worker: Worker | undefined;

  /**
   * @param mostMs - after so long the fold is ended
   * @returns undefined where it was ended
   * @throws {GaplineError} as fitting does
   */
  async run(job: FoldJob, mostMs: number): Promise<FoldScore | undefined> {
    this.#worker ??= new Worker(new URL('./fold-worker.ts', import.meta.url));
    const worker = this.#worker;
    const tooLong = new AbortController();
    // Longer than a timer can wait is for ever.
    const timer = mostMs < 2 ** 31 ? setTimeout(() => tooLong.abort(), Math.max(0, mostMs)) : undefined;
    try {
      const answered = once(worker, 'message', { signal: tooLong.signal });
      worker.postMessage(job);
      const [answer] = (await answered) as [FoldAnswer];
      if ('failed' in answer) throw new GaplineError(answer.failed.code, answer.failed.detail);
      return answer.score;
    } catch (error) {
      if (!tooLong.signal.aborted) throw error;
      await this.close();
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
