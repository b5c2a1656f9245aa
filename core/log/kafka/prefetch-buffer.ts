import type { KafkaMessage } from 'kafkajs';
import type { StoredRecord } from '../port.ts';

/** The most bytes that a buffer holds, and one fetch more. */
const maxHeldBytes = 2 << 20;

/**
 * The records of one partition that were fetched and not yet taken: each offset once and in order, even where it was fetched twice. After
 * a rebalance kafkajs restarts at the committed offset.
 */
export class PrefetchBuffer {
  readonly topic: string;
  readonly partition: number;
  #records: StoredRecord[] = [];
  #heldBytes = 0;
  #lastTaken = -1n;
  /** The next offset to be accepted. */
  #next: bigint;

  constructor(topic: string, partition: number, from = 0n) {
    this.topic = topic;
    this.partition = partition;
    this.#next = from;
  }

  get empty(): boolean {
    return this.#records.length === 0;
  }

  get full(): boolean {
    return this.#heldBytes > maxHeldBytes;
  }

  /** All below it was seen: taken, held here, or a transaction marker. */
  get next(): bigint {
    return this.#next;
  }

  /** Adds the messages of a fetch; `last` is the offset of its last entry, transaction markers included. */
  accept(messages: readonly KafkaMessage[], last: bigint): void {
    this.acceptRecords(
      messages.map((message) => stored(this, message)),
      last,
    );
  }

  /** As {@link accept}. */
  acceptRecords(records: readonly StoredRecord[], last: bigint): void {
    for (const record of records) {
      if (record.offset < this.#next) continue;
      this.#records.push(record);
      this.#heldBytes += record.value.byteLength;
    }
    if (last >= this.#next) this.#next = last + 1n;
  }

  /** The next records, at most so many and about so many bytes. */
  take(maxRecords: number, maxBytes: number): StoredRecord[] {
    let bytes = 0;
    let count = 0;
    for (const { value } of this.#records) {
      if (count >= maxRecords || bytes >= maxBytes) break;
      bytes += value.byteLength;
      count += 1;
    }
    this.#heldBytes -= bytes;
    const taken = this.#records.splice(0, count);
    this.#lastTaken = taken.at(-1)?.offset ?? this.#lastTaken;
    return taken;
  }

  /** The offset to resume from once `record` is done: for the last one taken, behind the transaction markers that follow it. */
  after({ offset }: StoredRecord): bigint {
    if (offset !== this.#lastTaken) return offset + 1n;
    return this.#records[0]?.offset ?? this.#next;
  }

  /** Forgets all, because the offsets from here on are given anew; 0 where the topic was made anew. */
  restart(at = 0n): void {
    this.#records = [];
    this.#heldBytes = 0;
    this.#lastTaken = -1n;
    this.#next = at;
  }

  /** Drops what lies below an offset. True where records from it on must be fetched again. */
  startAt(from: bigint): boolean {
    const first = this.#records[0]?.offset ?? this.#next;
    if (from >= first) {
      this.#records = this.#records.filter(({ offset }) => offset >= from);
      this.#next = from > this.#next ? from : this.#next;
    } else {
      this.#records = [];
      this.#next = from;
    }
    this.#heldBytes = this.#records.reduce((bytes, { value }) => bytes + value.byteLength, 0);
    return from < first;
  }
}

function stored({ topic, partition }: PrefetchBuffer, { offset, timestamp, key, value }: KafkaMessage): StoredRecord {
  return {
    topic,
    partition,
    offset: BigInt(offset),
    arrivedMs: Number(timestamp),
    key: key === null ? null : key.toString(),
    value: value ?? new Uint8Array(),
  };
}
