export interface AdaptiveLimitOptions {
  /** The limit never falls below this. */
  readonly minBytes: number;
  /** The limit never rises above this. */
  readonly maxBytes: number;
  /** How long readings should wait at most until the log has them. */
  readonly targetMs: number;
}

/**
 * An adaptive concurrency limit: how many bytes may be in progress at once so that what is accepted gets its response soon. A machine
 * that works on more than that would respond to all of it too late. The limit is found as TCP finds its congestion window: it grows a little
 * while responses are in time and more was wanted, and falls a good deal when one was late (additive increase, multiplicative decrease;
 * Chiu and Jain 1989).
 */
export class AdaptiveLimit {
  readonly #options: AdaptiveLimitOptions;
  #limit: number;
  /** Whether more was wanted than the limit allowed since it last grew. */
  #wanted = false;
  #lastDecreaseMs = Number.NEGATIVE_INFINITY;

  constructor(options: AdaptiveLimitOptions) {
    this.#options = options;
    this.#limit = Math.min(options.maxBytes, 8 * options.minBytes);
  }

  get limitBytes(): number {
    return this.#limit;
  }

  /** Whether more may begin while so much is in progress. */
  allows(inProgressBytes: number): boolean {
    const allowed = inProgressBytes < this.#limit;
    if (!allowed) this.#wanted = true;
    return allowed;
  }

  /** Adjusts the limit to how long readings of so many bytes waited. */
  observe(bytes: number, waitedMs: number, nowMs: number): void {
    const { minBytes, maxBytes, targetMs } = this.#options;
    if (waitedMs <= targetMs) {
      if (this.#wanted) this.#limit = Math.min(maxBytes, this.#limit + bytes / 2);
      this.#wanted = false;
    } else if (nowMs - this.#lastDecreaseMs > waitedMs) {
      // Readings that were in progress at the last decrease do not show yet what it changed.
      this.#limit = Math.max(minBytes, this.#limit * 0.7);
      this.#lastDecreaseMs = nowMs;
    }
  }
}
