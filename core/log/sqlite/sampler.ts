import type { Sampling, StoredRecord } from '../port.ts';

/** Decides which records of one partition are handed out and which are passed over. */
export class Sampler {
  readonly #topic: string;
  readonly #sampling: Sampling;
  readonly #perStretch: number;
  #stretchMs = 0;
  #taken = 0;

  constructor(topic: string, partitions: number, sampling: Sampling) {
    this.#topic = topic;
    this.#sampling = sampling;
    this.#perStretch = Math.max(1, Math.ceil(sampling.records / partitions));
  }

  /** How many records may be read next; 0 where the rest of the stretch is to be passed over. */
  get remaining(): number {
    return this.#perStretch - this.#taken;
  }

  /** When the stretch ends that was read last: what arrives before then belongs to it. */
  get endMs(): number {
    return this.#stretchMs + this.#sampling.everyMs;
  }

  /** Notes what was read. Only the newest stretch can have used up its room. */
  took(records: readonly StoredRecord[]): void {
    const { arrivedMs } = records.at(-1)!;
    if (arrivedMs >= this.endMs) {
      this.#stretchMs = arrivedMs - (arrivedMs % this.#sampling.everyMs);
      this.#taken = 0;
    }
    for (let index = records.length - 1; index >= 0 && records[index]!.arrivedMs >= this.#stretchMs; index -= 1) {
      this.#taken += 1;
    }
  }

  /** Notes that the offsets from one to another, not included, were passed over; `isOver` when that was the rest of the stretch. */
  skipped(from: bigint, to: bigint, isOver: boolean): void {
    if (to > from) this.#sampling.skipped(this.#topic, Number(to - from), this.#stretchMs);
    if (isOver) this.#taken = 0;
  }
}
