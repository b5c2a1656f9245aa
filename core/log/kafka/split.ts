import type { Message } from 'kafkajs';
import type { LogRecord } from '../port.ts';

/** A broker refuses more than 1,048,588 bytes for one partition in a request, unless it was told otherwise. */
export const maxPartitionBytes = 900_000;
/** For each message that it adds, kafkajs copies all that it has of the partition. */
const maxPartitionMessages = 2_000;
/** The most bytes of one request over all partitions. */
const maxRequestBytes = 8_000_000;
/** The most bytes that a record takes besides key and value: lengths, offset and time, the headers' count. */
const overhead = 40;

export const sizeOf = ({ key, value }: LogRecord): number =>
  overhead + (key === null ? 0 : Buffer.byteLength(key)) + value.byteLength;

/** A record with the partition that it goes to. */
export interface Addressed {
  readonly topic: string;
  readonly partition: number;
  readonly record: LogRecord;
}

/** Fills one request: takes records, in order, until one does not fit any more. */
export class RequestBatch {
  readonly #messages = new Map<string, Message[]>();
  readonly #held = new Map<string, { bytes: number; messages: number }>();
  #total = 0;

  /** False, and nothing taken, where it is full. It takes at least one record. */
  add({ topic, partition, record }: Addressed): boolean {
    const size = sizeOf(record);
    const target = `${topic}/${partition}`;
    const held = this.#held.get(target) ?? { bytes: 0, messages: 0 };
    const isFull = held.bytes + size > maxPartitionBytes || held.messages === maxPartitionMessages;
    if (this.#total > 0 && (isFull || this.#total + size > maxRequestBytes)) return false;
    const { key, value } = record;
    const message = { key, value: asBuffer(value), partition };
    const messages = this.#messages.get(topic);
    if (messages) messages.push(message);
    else this.#messages.set(topic, [message]);
    this.#held.set(target, { bytes: held.bytes + size, messages: held.messages + 1 });
    this.#total += size;
    return true;
  }

  get topicMessages(): { topic: string; messages: Message[] }[] {
    return [...this.#messages].map(([topic, messages]) => ({ topic, messages }));
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Packs records, in order, in as few requests as take them. */
export function* splitIntoRequests(records: Iterable<Addressed>): Generator<RequestBatch> {
  let batch: RequestBatch | undefined;
  for (const addressed of records) {
    if (batch?.add(addressed)) continue;
    if (batch) yield batch;
    batch = new RequestBatch();
    batch.add(addressed);
  }
  if (batch) yield batch;
}
