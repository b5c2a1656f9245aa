import type { StoredRecord } from '../../core/log/port.ts';
import { LabelledRecord } from './labelled-record.ts';
import type { Positions } from './positions.ts';

/** What a record costs in memory beside its value, about, in bytes. */
const overhead = 300;

/** A prediction, and how far its topic was read with it. */
export interface RecentPrediction {
  readonly labelled: LabelledRecord;
  /** The id of its event. */
  readonly id: string;
}

/**
 * The newest predictions, for all readers together, within a bound of bytes. They are numbered in the order of their arrival; where the
 * bound is passed, the oldest are forgotten.
 */
export class RecentPredictions {
  /** They take so much memory, at most. */
  readonly mostBytes: number;
  #held: RecentPrediction[] = [];
  /** The number of the first of `#held`, of which the first `#gone` are forgotten. */
  #base = 0;
  #gone = 0;
  #bytes = 0;
  readonly #positions: Positions;
  #forgotten: Positions;

  /** @param positions - how far the topic was read before the first record that is added */
  constructor(mostBytes: number, positions: Positions) {
    this.mostBytes = mostBytes;
    this.#positions = positions.copy();
    this.#forgotten = positions.copy();
  }

  /** The number of the oldest one. */
  get first(): number {
    return this.#base + this.#gone;
  }

  /** The number of the one that comes next. */
  get next(): number {
    return this.#base + this.#held.length;
  }

  get positions(): Positions {
    return this.#positions;
  }

  at(number: number): RecentPrediction | undefined {
    return number < this.first ? undefined : this.#held[number - this.#base];
  }

  /** Whether all that a reader has not read yet is here. */
  reachesBackTo(positions: Positions): boolean {
    return positions.reaches(this.#forgotten);
  }

  /**
   * Where the topic was made anew, it may end before what was read, and hold nothing that would tell.
   * @param before - how far it was read when its end was asked for
   */
  restartBeyond(end: Positions, before: Positions): void {
    if (end.reaches(before)) return;
    this.#positions.restartBeyond(end, before);
    this.#forgetAll();
  }

  add(record: StoredRecord): void {
    // Offsets go back where the topic was made anew.
    if (this.#positions.includes(record)) {
      this.#positions.restartAt(record);
      this.#forgetAll();
    }
    this.#positions.advance(record);
    this.#held.push({ labelled: new LabelledRecord(record), id: this.#positions.id });
    this.#bytes += record.value.byteLength + overhead;
    while (this.#bytes > this.mostBytes && this.#gone < this.#held.length) this.#forget();
    if (this.#gone < 1_024 || this.#gone < this.#held.length / 2) return;
    this.#held = this.#held.slice(this.#gone);
    this.#base += this.#gone;
    this.#gone = 0;
  }

  /** Among records of a former topic, nobody could tell what he has read. */
  #forgetAll(): void {
    while (this.#gone < this.#held.length) this.#forget();
    this.#forgotten = this.#positions.copy();
  }

  #forget(): void {
    const oldest = this.#held[this.#gone];
    if (oldest === undefined) return;
    const { record } = oldest.labelled;
    this.#bytes -= record.value.byteLength + overhead;
    this.#forgotten.advance(record);
    this.#gone += 1;
  }
}
