import { crc32c } from './crc32c.ts';

/** A record as kafkajs hands it to its encoder. */
export interface BatchRecord {
  readonly key?: string | Buffer | null;
  readonly value: string | Buffer | null;
  /** Default: its place in the batch. */
  readonly offsetDelta?: number;
  /** Default 0. */
  readonly timestampDelta?: number;
  readonly headers?: object;
}

/** A 64-bit integer: kafkajs has objects of its own for them. */
type Int64 = number | bigint | string | { toString(): string };

/** The head of a batch, by kafkajs' names. */
export interface BatchHead {
  readonly firstOffset?: Int64;
  readonly firstTimestamp: Int64;
  readonly maxTimestamp: Int64;
  readonly partitionLeaderEpoch?: number;
  readonly lastOffsetDelta: number;
  readonly transactional?: boolean;
  readonly producerId?: Int64;
  readonly producerEpoch?: number;
  readonly firstSequence?: number;
  /** Records without headers. */
  readonly records: readonly BatchRecord[];
}

/** Bytes before the records, and the most that a record has besides key and value. */
const headBytes = 61;
const recordBytes = 1 + 6 * 5;

/** The most bytes that a batch of these records has. */
export function recordBatchBound(records: readonly BatchRecord[]): number {
  let most = headBytes;
  for (const { key, value } of records) most += recordBytes + lengthOf(key) + lengthOf(value);
  return most;
}

/** Encodes a record batch of format 2 without compression, in one buffer: <https://kafka.apache.org/documentation/#recordbatch>. */
export function encodeRecordBatch(head: BatchHead): Buffer {
  const bytes = Buffer.allocUnsafe(recordBatchBound(head.records));
  return bytes.subarray(0, writeRecordBatch(bytes, 0, head));
}

/** Writes a record batch where there is room for its bound. Returns the position after it. */
export function writeRecordBatch(bytes: Buffer, start: number, head: BatchHead): number {
  const { records } = head;
  let at = start + headBytes;
  for (let index = 0; index < records.length; index += 1)
    at = writeRecord(bytes, at, records[index] as BatchRecord, index);
  bytes.writeBigInt64BE(int64(head.firstOffset ?? 0), start);
  bytes.writeInt32BE(at - start - 12, start + 8);
  bytes.writeInt32BE(head.partitionLeaderEpoch ?? 0, start + 12);
  bytes[start + 16] = 2;
  bytes.writeInt16BE(head.transactional ? 16 : 0, start + 21);
  bytes.writeInt32BE(head.lastOffsetDelta, start + 23);
  bytes.writeBigInt64BE(int64(head.firstTimestamp), start + 27);
  bytes.writeBigInt64BE(int64(head.maxTimestamp), start + 35);
  bytes.writeBigInt64BE(int64(head.producerId ?? -1), start + 43);
  bytes.writeInt16BE(head.producerEpoch ?? 0, start + 51);
  bytes.writeInt32BE(head.firstSequence ?? 0, start + 53);
  bytes.writeInt32BE(records.length, start + 57);
  bytes.writeUInt32BE(crc32c(bytes, start + 21, at), start + 17);
  return at;
}

export const int64 = (value: Int64): bigint => (typeof value === 'bigint' ? value : BigInt(value.toString()));

function lengthOf(bytes: string | Buffer | null | undefined): number {
  if (bytes == null) return 0;
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
}

function writeRecord(bytes: Buffer, from: number, record: BatchRecord, index: number): number {
  const { key, value, offsetDelta = index, timestampDelta = 0 } = record;
  const [keyLength, valueLength] = [key == null ? -1 : lengthOf(key), value == null ? -1 : lengthOf(value)];
  const size =
    2 + sizeOfInt(timestampDelta) + sizeOfInt(offsetDelta) + sizeOfBytes(keyLength) + sizeOfBytes(valueLength);
  let at = writeInt(bytes, from, size);
  bytes[at++] = 0;
  at = writeInt(bytes, at, timestampDelta);
  at = writeInt(bytes, at, offsetDelta);
  at = writeBytes(bytes, at, key, keyLength);
  at = writeBytes(bytes, at, value, valueLength);
  bytes[at++] = 0;
  return at;
}

const sizeOfBytes = (length: number): number => sizeOfInt(length) + Math.max(0, length);

function writeBytes(bytes: Buffer, from: number, what: string | Buffer | null | undefined, length: number): number {
  const at = writeInt(bytes, from, length);
  if (what == null) return at;
  if (typeof what === 'string') bytes.write(what, at);
  else bytes.set(what, at);
  return at + length;
}

/** Integers are written seven bits a byte, the sign in the lowest bit. */
const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;

function sizeOfInt(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest >>>= 7) size += 1;
  return size;
}

function writeInt(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = zigzag(value);
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}
