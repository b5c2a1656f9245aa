import { HttpProblem } from '../../core/http/problem.ts';

export interface DelaysOptions {
  /** Wrong attempts without a delay. Default 5. */
  readonly free?: number;
  /** The first delay; each further wrong attempt doubles it. Default 1 s. */
  readonly firstMs?: number;
  /** Default 15 minutes; after as long without an attempt all is forgotten. */
  readonly longestMs?: number;
  /** Keys that are remembered; beyond that the oldest are forgotten. Default 10,000. */
  readonly most?: number;
  readonly nowMs?: () => number;
}

interface Failures {
  readonly count: number;
  readonly untilMs: number;
  readonly lastMs: number;
}

/** Delays attempts after wrong ones, by key. Nobody is locked out for good: then an attacker could lock out everybody. */
export class Delays {
  readonly #options: Required<DelaysOptions>;
  readonly #failures = new Map<string, Failures>();

  constructor(options: DelaysOptions = {}) {
    this.#options = { free: 5, firstMs: 1_000, longestMs: 15 * 60_000, most: 10_000, nowMs: Date.now, ...options };
  }

  /** @throws {HttpProblem} `sign-in-delayed` while an attempt has to wait */
  check(key: string): void {
    const waitMs = (this.#failures.get(key)?.untilMs ?? 0) - this.#options.nowMs();
    if (waitMs <= 0) return;
    const retryAfterS = Math.ceil(waitMs / 1_000);
    throw new HttpProblem('sign-in-delayed', `the next attempt for this user is possible in ${retryAfterS} s`, {
      retryAfterS,
    });
  }

  failed(key: string): void {
    const { free, firstMs, longestMs, most, nowMs } = this.#options;
    const now = nowMs();
    const before = this.#failures.get(key);
    const count = before && now - before.lastMs < longestMs ? before.count + 1 : 1;
    const delayMs = count <= free ? 0 : Math.min(longestMs, firstMs * 2 ** Math.min(30, count - free - 1));
    this.#failures.delete(key);
    this.#failures.set(key, { count, untilMs: now + delayMs, lastMs: now });
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= most) break;
      this.#failures.delete(oldest);
    }
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}
