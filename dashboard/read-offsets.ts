import type { StoredRecord } from '../core/log/port.ts';

/** The last offset taken of each partition: what a new tail returns once more is dropped, what it skips is counted. */
export class ReadOffsets {
  readonly #last = new Map<string, bigint[]>();
  #jumpedFrom = new Map<string, bigint[]>();
  #skipped = 0;

  /** The records that were not returned before. */
  fresh(records: readonly StoredRecord[]): readonly StoredRecord[] {
    return records.filter((record) => this.#advance(record));
  }

  /** About how many records were skipped since the last call; offsets may have holes. */
  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }

  /** What comes next may lie further on: the distance is to be counted. */
  jump(): void {
    this.#jumpedFrom = new Map([...this.#last].map(([topic, offsets]) => [topic, [...offsets]]));
  }

  forget(): void {
    this.#last.clear();
    this.#jumpedFrom.clear();
  }

  #advance(record: StoredRecord): boolean {
    const { topic, partition, offset } = record;
    let offsets = this.#last.get(topic);
    if (!offsets) {
      offsets = [];
      this.#last.set(topic, offsets);
    }
    const last = offsets[partition];
    if (last !== undefined && offset <= last) return false;
    offsets[partition] = offset;
    if (this.#jumpedFrom.size > 0) this.#countSkipped(record);
    return true;
  }

  #countSkipped({ topic, partition, offset }: StoredRecord): void {
    const from = this.#jumpedFrom.get(topic);
    const last = from?.[partition];
    if (from === undefined || last === undefined) return;
    this.#skipped += Number(offset - last) - 1;
    delete from[partition];
  }
}
