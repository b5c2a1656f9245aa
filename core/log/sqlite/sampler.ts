import type { Sampling } from '../port.ts';

/** Where the records of one partition begin that arrived at or after a time; the end where there are none yet. */
export type Seek = (sinceMs: number) => bigint;

/** Which records of one partition are handed out, and when it is time to pass over the others. */
export class Sampler {
  readonly #topic: string;
  readonly #sampling: Sampling;
  readonly #perStretch: number;
  #stretchMs = Number.NEGATIVE_INFINITY;
  #left: number;

  constructor(topic: string, partitions: number, sampling: Sampling) {
    this.#topic = topic;
    this.#sampling = sampling;
    this.#perStretch = Math.max(1, Math.ceil(sampling.records / partitions));
    this.#left = this.#perStretch;
  }

  /** How many records may be read next; 0 while the rest of a stretch is yet to arrive. */
  room(nowMs: number): number {
    return this.#left > 0 || nowMs >= this.#stretchMs + this.#sampling.everyMs ? Math.max(this.#left, 1) : 0;
  }

  /** Notes what was read; true when the rest of the stretch is to be passed over. */
  took(count: number, lastArrivedMs: number): boolean {
    const stretchMs = lastArrivedMs - (lastArrivedMs % this.#sampling.everyMs);
    if (stretchMs > this.#stretchMs) {
      this.#stretchMs = stretchMs;
      this.#left = this.#perStretch;
    }
    this.#left -= count;
    return this.#left <= 0;
  }

  /** Where to go on from `from`: past the stretch, as far as it has arrived. What lies between is reported. */
  passOver(from: bigint, seek: Seek): bigint {
    const next = seek(this.#stretchMs + this.#sampling.everyMs);
    if (next > from) this.#sampling.passedOver(this.#topic, Number(next - from), this.#stretchMs);
    return next;
  }
}
