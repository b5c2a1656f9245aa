import type { LogRecord, StoredRecord } from '../port.ts';
import type { BlockRecord } from './block.ts';
import type { Partition } from './topics.ts';

/** What a record costs beside its key and value, about, in bytes. */
const overhead = 24;
export const sizeOf = ({ key, value }: LogRecord): number =>
  overhead + (key === null ? 0 : Buffer.byteLength(key)) + value.byteLength;

/** A part of a partition to be read: offsets from `from` up to but not including `to`. */
export interface Range {
  readonly from: bigint;
  readonly to: bigint;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** Records of a partition that are gathered until there are as many or as large as was asked for. */
export class Reading {
  readonly records: StoredRecord[] = [];
  readonly #partition: Partition;
  readonly #range: Range;
  #bytes = 0;

  constructor(partition: Partition, range: Range) {
    this.#partition = partition;
    this.#range = range;
  }

  /** How many more records may be added. */
  get room(): number {
    return this.#range.maxRecords - this.records.length;
  }

  get isFull(): boolean {
    return this.records.length >= this.#range.maxRecords || this.#bytes >= this.#range.maxBytes;
  }

  add({ offset, arrivedMs, key, value }: BlockRecord): void {
    const { topic, number: partition } = this.#partition;
    const record = { topic, partition, offset, arrivedMs, key, value };
    this.records.push(record);
    this.#bytes += sizeOf(record);
  }
}
