import { describeError, isRetryable } from '../../core/wire/errors.ts';

/** What keeps trying a version that has rows to complete, and for how long. */
export class RetryBudget {
  readonly #ms: number;
  /** By what is waited for, when it failed first (`performance.now()`). */
  readonly #since = new Map<unknown, number>();

  constructor(ms: number) {
    this.#ms = ms;
  }

  /**
   * What is waited for failed.
   * @returns why it is given up; undefined where it is to be tried again, which a retryable error is for so long
   */
  exhausted(waited: unknown, error: unknown): string | undefined {
    if (isRetryable(error) !== true) return describeError(error);
    const now = performance.now();
    const since = this.#since.get(waited) ?? now;
    this.#since.set(waited, since);
    if (now - since < this.#ms) return undefined;
    this.#since.delete(waited);
    return `it was unavailable for ${Math.round((now - since) / 1_000)} s: ${describeError(error)}`;
  }

  /** It works. */
  restored(waited: unknown): void {
    if (this.#since.size > 0) this.#since.delete(waited);
  }
}
