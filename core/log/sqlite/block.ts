import type { LogRecord, StoredRecord } from '../port.ts';

const columns = 4;
const none = -1;

/** What a block holds of a record. */
export type BlockRecord = Pick<StoredRecord, 'offset' | 'arrivedMs' | 'key' | 'value'>;
/** Where a block begins. */
export type BlockStart = Pick<StoredRecord, 'offset' | 'arrivedMs'>;

/** How many bytes records take that {@link layOutNew} lays out. */
export function sizeOfNew(records: readonly LogRecord[]): number {
  let size = 8 * (1 + columns * records.length);
  for (const { key, value } of records) size += (key === null ? 0 : Buffer.byteLength(key)) + value.byteLength;
  return size;
}

/**
 * Lays out records of one partition that follow each other and arrive together: their count and four columns as float64, which are
 * offsets and times of arrival less those of the first record, lengths of keys (-1: none) and of values; then all keys; then all values.
 * @param at - where in `bytes`, a multiple of 8
 * @returns the place behind them
 */
export function layOutNew(records: readonly LogRecord[], bytes: Buffer, at: number): number {
  const count = records.length;
  const head = new Float64Array(bytes.buffer, bytes.byteOffset + at, 1 + columns * count);
  head[0] = count;
  let to = at + head.byteLength;
  for (const [index, { key, value }] of records.entries()) {
    const keyBytes = key === null ? none : bytes.write(key, to);
    if (keyBytes > 0) to += keyBytes;
    head[1 + index] = index;
    head[1 + count + index] = 0;
    head[1 + 2 * count + index] = keyBytes;
    head[1 + 3 * count + index] = value.byteLength;
  }
  for (const { value } of records) {
    bytes.set(value, to);
    to += value.byteLength;
  }
  return to;
}

/** Lays out records of one partition in order of their offsets, whichever these are and whenever they arrived. */
export function layOut(records: readonly BlockRecord[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(sizeOfNew(records));
  layOutNew(records, bytes, 0);
  const [first] = records;
  if (!first) return bytes;
  const count = records.length;
  const head = new Float64Array(bytes.buffer, 0, 1 + columns * count);
  for (const [at, { offset, arrivedMs }] of records.entries()) {
    head[1 + at] = Number(offset - first.offset);
    head[1 + count + at] = arrivedMs - first.arrivedMs;
  }
  return bytes;
}

/** Lays out the records of some blocks of a partition as those of one, in memory that is used again. */
export class Joiner {
  #room: Buffer = Buffer.alloc(0);

  /** @returns what is valid until the next call */
  join(blocks: readonly Block[]): Buffer {
    const count = blocks.reduce((sum, { length }) => sum + length, 0);
    const headBytes = 8 * (1 + columns * count);
    const size = blocks.reduce((sum, { keys, values }) => sum + keys.byteLength + values.byteLength, headBytes);
    if (this.#room.length < size) this.#room = Buffer.allocUnsafeSlow(size + (size >> 2));
    const room = this.#room;
    const head = new Float64Array(room.buffer, 0, headBytes / 8);
    head[0] = count;
    const [first] = blocks;
    let at = 1;
    for (const block of blocks) {
      if (first) block.copyColumns(first.start, head, at, count);
      at += block.length;
    }
    let to = headBytes;
    for (const part of ['keys', 'values'] as const)
      for (const block of blocks) {
        room.set(block[part], to);
        to += block[part].byteLength;
      }
    return room.subarray(0, size);
  }
}

/** The records of a block, made one by one when they are asked for: they share its memory. */
export class Block {
  readonly start: BlockStart;
  readonly length: number;
  /** The columns, one behind the other. */
  readonly #head: Float64Array;
  readonly #bytes: Buffer;
  /** The same bytes, as what SQLite returns for a row. */
  readonly #values: Uint8Array;
  readonly #keysAt: number;
  readonly #valuesAt: number;
  #ends: { readonly keys: Float64Array; readonly values: Float64Array } | undefined;

  /** @throws {Error} where the bytes are no block, uncompressed */
  constructor(bytes: Buffer, start: BlockStart) {
    const count = bytes.readDoubleLE(0);
    this.#keysAt = 8 * (1 + columns * count);
    this.#head = floatsOf(bytes.subarray(8, this.#keysAt));
    this.#valuesAt = this.#keysAt + sum(this.#head, 2 * count, count);
    this.#bytes = bytes;
    this.#values = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.start = start;
    this.length = count;
    const end = this.#valuesAt + sum(this.#head, 3 * count, count);
    if (this.#head.length !== columns * count || end !== bytes.byteLength)
      throw new RangeError('its columns do not fit its length');
  }

  /** Where the first record lies whose offset is at least this. */
  indexFrom(offset: bigint): number {
    const wanted = Number(offset - this.start.offset);
    // Offsets without holes are their own index.
    if (wanted < this.length && this.#head[wanted] === wanted) return wanted;
    return this.#head.subarray(0, this.length).filter((each) => each < wanted).length;
  }

  record(index: number): BlockRecord {
    this.#ends ??= {
      keys: ends(this.#head.subarray(2 * this.length, 3 * this.length), this.#keysAt),
      values: ends(this.#head.subarray(3 * this.length), this.#valuesAt),
    };
    const { keys, values } = this.#ends;
    const hasKey = this.#head[2 * this.length + index] !== none;
    return {
      offset: this.start.offset + BigInt(this.#head[index] ?? 0),
      arrivedMs: this.arrivedMs(index),
      key: hasKey ? this.#bytes.toString('utf8', keys[index], keys[index + 1]) : null,
      value: this.#values.subarray(values[index], values[index + 1]),
    };
  }

  arrivedMs(index: number): number {
    return this.start.arrivedMs + (this.#head[this.length + index] ?? 0);
  }

  /** All keys, one behind the other. */
  get keys(): Uint8Array {
    return this.#values.subarray(this.#keysAt, this.#valuesAt);
  }

  /** All values, one behind the other. */
  get values(): Uint8Array {
    return this.#values.subarray(this.#valuesAt);
  }

  /** Copies its columns into those of a block of `count` records that begins at `start`. */
  copyColumns(start: BlockStart, into: Float64Array, at: number, count: number): void {
    const { length } = this;
    const head = this.#head;
    const offset = Number(this.start.offset - start.offset);
    const ms = this.start.arrivedMs - start.arrivedMs;
    for (let index = 0; index < length; index += 1) {
      into[at + index] = (head[index] ?? 0) + offset;
      into[at + count + index] = (head[length + index] ?? 0) + ms;
      into[at + 2 * count + index] = head[2 * length + index] ?? none;
      into[at + 3 * count + index] = head[3 * length + index] ?? 0;
    }
  }
}

/** Of lengths; that of no key counts nothing. */
function sum(lengths: Float64Array, from: number, count: number): number {
  let all = 0;
  for (let at = from; at < from + count; at += 1) all += Math.max(0, lengths[at] ?? 0);
  return all;
}

/** A view of float64 needs an aligned beginning. */
function floatsOf(bytes: Buffer): Float64Array {
  if (bytes.byteOffset % 8 === 0) return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  return new Float64Array(Uint8Array.from(bytes).buffer);
}

/** Where pieces of these lengths begin that follow each other, and where the last one ends. */
function ends(lengths: Float64Array, start: number): Float64Array {
  const all = new Float64Array(lengths.length + 1);
  all[0] = start;
  let end = start;
  for (const [at, length] of lengths.entries()) {
    end += Math.max(0, length);
    all[at + 1] = end;
  }
  return all;
}
