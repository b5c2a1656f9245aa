import type { Sampling, StoredRecord } from '../port.ts';

/** Decides which records of one partition are returned and which are skipped. */
export class Sampler {
  readonly #topic: string;
  readonly #sampling: Sampling;
  readonly #perInterval: number;
  #intervalMs = 0;
  #taken = 0;

  constructor(topic: string, partitions: number, sampling: Sampling) {
    this.#topic = topic;
    this.#sampling = sampling;
    this.#perInterval = Math.max(1, Math.ceil(sampling.records / partitions));
  }

  /** How many records may be read next; 0 where the rest of the interval is to be skipped. */
  get remaining(): number {
    return this.#perInterval - this.#taken;
  }

  /** When the interval ends that was read last: what arrives before then belongs to it. */
  get endMs(): number {
    return this.#intervalMs + this.#sampling.everyMs;
  }

  /** Counts records that were read. Only the newest interval can have used up what it may return. */
  took(records: readonly StoredRecord[]): void {
    const last = records.at(-1);
    if (!last) return;
    if (last.arrivedMs >= this.endMs) {
      this.#intervalMs = last.arrivedMs - (last.arrivedMs % this.#sampling.everyMs);
      this.#taken = 0;
    }
    const earlier = records.findLastIndex(({ arrivedMs }) => arrivedMs < this.#intervalMs) + 1;
    this.#taken += records.length - earlier;
  }

  /** Counts the offsets from one to another, not included, as skipped; `isOver` where those end the interval. */
  skipped(from: bigint, to: bigint, isOver: boolean): void {
    if (to > from) this.#sampling.skipped(this.#topic, Number(to - from), this.#intervalMs);
    if (isOver) this.#taken = 0;
  }
}
