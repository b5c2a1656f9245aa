import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { StoredRecord } from '../port.ts';

/** Measured in docs/decisions/0018-blocks-of-the-log.md: level 3 is three times as fast and a quarter larger. */
const level = 6;
/** No block is larger when it is unpacked, whatever a damaged file says. */
const maxUnpackedBytes = 256 << 20;
const columns = 4;
const none = -1;

const compress = promisify(zstdCompress);
const params = {
  [constants.ZSTD_c_compressionLevel]: level,
  // A flipped bit is reported, not returned as a reading.
  [constants.ZSTD_c_checksumFlag]: 1,
};

/** What a block holds of a record. */
export type BlockRecord = Pick<StoredRecord, 'offset' | 'arrivedMs' | 'key' | 'value'>;

/**
 * Packs records of one partition, in order of their offsets. Unpacked it is: their count and four columns as float64, which are offsets
 * and times of arrival less those of the first record, lengths of keys (-1: none) and of values; then all keys; then all values.
 * zstd runs in the thread pool.
 */
export function packBlock(records: readonly BlockRecord[]): Promise<Buffer> {
  const count = records.length;
  const head = new Float64Array(1 + columns * count);
  const [first] = records;
  const keys: Uint8Array[] = [];
  head[0] = count;
  for (const [at, { offset, arrivedMs, key, value }] of records.entries()) {
    const bytes = key === null ? undefined : Buffer.from(key);
    if (bytes) keys.push(bytes);
    head[1 + at] = first ? Number(offset - first.offset) : 0;
    head[1 + count + at] = first ? arrivedMs - first.arrivedMs : 0;
    head[1 + 2 * count + at] = bytes?.byteLength ?? none;
    head[1 + 3 * count + at] = value.byteLength;
  }
  const parts = [new Uint8Array(head.buffer), ...keys, ...records.map(({ value }) => value)];
  return compress(Buffer.concat(parts), { params });
}

/** The records of a block, made one by one when they are asked for: they share its memory. */
export class Block {
  readonly #offsets: Float64Array;
  readonly #arrived: Float64Array;
  readonly #keyEnds: Float64Array;
  readonly #valueEnds: Float64Array;
  readonly #hasKey: (index: number) => boolean;
  readonly #bytes: Buffer;
  /** The same bytes, as what SQLite returns for a row. */
  readonly #values: Uint8Array;
  readonly #first: Pick<StoredRecord, 'offset' | 'arrivedMs'>;

  /** @throws {Error} where the bytes are no block. */
  constructor(packed: Uint8Array, first: Pick<StoredRecord, 'offset' | 'arrivedMs'>) {
    const bytes = zstdDecompressSync(packed, { maxOutputLength: maxUnpackedBytes });
    const count = bytes.readDoubleLE(0);
    const keysAt = 8 * (1 + columns * count);
    // A copy, because a view of float64 needs an aligned beginning.
    const head = new Float64Array(Uint8Array.from(bytes.subarray(8, keysAt)).buffer);
    const column = (number: number) => head.subarray(number * count, (number + 1) * count);
    const keyLengths = column(2);
    this.#offsets = column(0);
    this.#arrived = column(1);
    this.#hasKey = (index) => keyLengths[index] !== none;
    this.#keyEnds = ends(keyLengths, keysAt);
    this.#valueEnds = ends(column(3), this.#keyEnds.at(-1) ?? keysAt);
    this.#bytes = bytes;
    this.#values = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#first = first;
    if (this.#valueEnds.at(-1) !== bytes.byteLength) throw new RangeError('its columns do not fit its length');
  }

  get length(): number {
    return this.#offsets.length;
  }

  /** Where the first record lies whose offset is at least this. */
  indexFrom(offset: bigint): number {
    const wanted = Number(offset - this.#first.offset);
    // Offsets without holes are their own index.
    return this.#offsets[wanted] === wanted ? wanted : this.#offsets.filter((each) => each < wanted).length;
  }

  record(index: number): BlockRecord {
    const keyEnd = this.#keyEnds[index + 1];
    return {
      offset: this.#first.offset + BigInt(this.#offsets[index] ?? 0),
      arrivedMs: this.arrivedMs(index),
      key: this.#hasKey(index) ? this.#bytes.toString('utf8', this.#keyEnds[index], keyEnd) : null,
      value: this.#values.subarray(this.#valueEnds[index], this.#valueEnds[index + 1]),
    };
  }

  arrivedMs(index: number): number {
    return this.#first.arrivedMs + (this.#arrived[index] ?? 0);
  }
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
