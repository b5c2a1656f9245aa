import { GaplineError } from '../../wire/errors.ts';
import type { Condition } from '../condition.ts';

const proofMs = 5_000;

/** When the group last confirmed that a client is its member. */
export class MembershipProof {
  readonly #changed: Condition;
  #confirmedAt = 0;

  constructor(changed: Condition) {
    this.#changed = changed;
  }

  /** The group confirmed it just now. Whoever notifies the condition wakes those that wait. */
  confirm(): void {
    this.#confirmedAt = performance.now();
  }

  /**
   * Resolves once the group confirmed it after the given moment (`performance.now()`).
   * @throws {GaplineError} `log-unavailable` where that takes too long
   */
  async since(moment: number, signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), proofMs);
    await this.#changed.wait(AbortSignal.any([signal, late.signal]), () => this.#confirmedAt > moment);
    clearTimeout(timer);
    if (this.#confirmedAt > moment) return;
    throw new GaplineError('log-unavailable', 'Kafka has not confirmed the membership in its group', {
      retryable: true,
    });
  }
}
