export interface PaceOptions {
  /** Never less may be under way. */
  readonly leastBytes: number;
  /** Never more. */
  readonly mostBytes: number;
  /** How long readings should wait until the log has them. */
  readonly targetMs: number;
}

/**
 * How much may be under way at once so that what is taken is answered soon: a machine that is busy with more would answer all of it too
 * late. Found as TCP finds how much a network takes: a little more while answers come in time and more was wanted, a good deal less
 * when one came late (additive increase, multiplicative decrease; Chiu and Jain 1989).
 */
export class Pace {
  readonly #options: PaceOptions;
  #limit: number;
  #wanted = false;
  #lastCutMs = Number.NEGATIVE_INFINITY;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#limit = Math.min(options.mostBytes, 8 * options.leastBytes);
  }

  get limitBytes(): number {
    return this.#limit;
  }

  /** Whether more may begin while so much is under way. */
  allows(underWayBytes: number): boolean {
    const allowed = underWayBytes < this.#limit;
    if (!allowed) this.#wanted = true;
    return allowed;
  }

  /** Told of readings that were so large and waited so long. */
  note(bytes: number, waitedMs: number, nowMs: number): void {
    const { leastBytes, mostBytes, targetMs } = this.#options;
    if (waitedMs <= targetMs) {
      if (this.#wanted) this.#limit = Math.min(mostBytes, this.#limit + bytes / 2);
      this.#wanted = false;
    } else if (nowMs - this.#lastCutMs > waitedMs) {
      // Those that were under way at the last cut say nothing of what it brought.
      this.#limit = Math.max(leastBytes, this.#limit * 0.7);
      this.#lastCutMs = nowMs;
    }
  }
}
