import { backoffMs } from '../../retry/backoff.ts';
import { sleep } from '../../retry/sleep.ts';
import { GaplineError, isRetryable } from '../../wire/errors.ts';

const jitter = [0.5, 1.5] as const;

export interface BreakerOptions {
  /** Tries after the first one, for failures that may pass. */
  readonly retries: number;
  /** Before the first further try; twice as long each time, and spread by chance. */
  readonly retryAfterMs: number;
  /** Failed calls in a row after which nothing is tried for `restMs`. */
  readonly maxFailures: number;
  readonly restMs: number;
  /** Default: the machine's. */
  readonly now?: () => number;
}

/**
 * Tries a call again where that may help, and leaves a server alone that keeps failing. While the circuit is open, calls are refused at once;
 * then one is let through, and its outcome decides. Source: Nygard, Release It!, "Circuit Breaker".
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #restsUntilMs = 0;
  #lastError: unknown;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** @throws what `call` threw last; `model-unavailable` while the circuit is open. */
  async run<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { retries, retryAfterMs, maxFailures, restMs, now = Date.now } = this.#options;
    if (now() < this.#restsUntilMs) {
      const detail = `the model server failed ${this.#failures} times in a row and is left alone for ${Math.ceil((this.#restsUntilMs - now()) / 1_000)} s`;
      throw new GaplineError('model-unavailable', detail, { retryable: true, cause: this.#lastError });
    }
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await call();
        this.#failures = 0;
        return result;
      } catch (error) {
        // A request that is refused for its content is no sign that the server fails.
        if (isRetryable(error) === false) throw error;
        const resting = this.#failures >= maxFailures;
        if (attempt >= retries || resting || signal.aborted) {
          this.#failures += 1;
          this.#lastError = error;
          if (this.#failures >= maxFailures) this.#restsUntilMs = now() + restMs;
          throw error;
        }
        await sleep(backoffMs({ firstMs: retryAfterMs, maxMs: Number.POSITIVE_INFINITY, jitter }, attempt + 1), {
          signal,
        });
      }
    }
  }
}
