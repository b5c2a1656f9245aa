import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { Row } from '../row.ts';

const level = 6;
/** No block is larger when it is unpacked, whatever a damaged file says. */
const maxUnpackedBytes = 256 << 20;
/** Values with few digits behind the point are kept as integers: by the number of digits, what they are multiplied with. */
const scales = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6] as const;
/** How a column is kept as float64. */
const asDouble = 255;

const compress = promisify(zstdCompress);
const params = {
  [constants.ZSTD_c_compressionLevel]: level,
  // A flipped bit is reported, not returned as a value.
  [constants.ZSTD_c_checksumFlag]: 1,
};

/** A point of one series, with its fields as a row has them. */
export interface PackedPoint extends Row {
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
}

/**
 * Packs points of one series, in order of their times. Unpacked it is: how many points, how many columns and how long the strings are
 * (uint32 each); the times as int64, each less the one before; for each column its field (uint16), its form (uint8, see
 * {@link digitsOf}), a bit for each point that has the field, and the values; at last the strings as JSON. Bytes of values are kept
 * plane by plane, first bytes first: most planes are zeros. zstd runs in the thread pool.
 */
export function packPoints(points: readonly PackedPoint[]): Promise<Buffer> {
  const columns = columnsOf(points);
  const times = new BigInt64Array(points.length);
  for (const [at, { time }] of points.entries()) times[at] = time - (points[at - 1]?.time ?? time);
  const strings = points.some((point) => point.strings !== null)
    ? Buffer.from(JSON.stringify(points.map((point) => point.strings)))
    : Buffer.alloc(0);
  const head = new Uint32Array([points.length, columns.size, strings.byteLength]);
  const parts: Uint8Array[] = [new Uint8Array(head.buffer), planes(times)];
  for (const [id, column] of columns) parts.push(...packColumn(id, column, points.length));
  return compress(Buffer.concat([...parts, strings]), { params });
}

/** Values of one field: at which points (the first `length` numbers of `at`), and what. */
interface Column {
  length: number;
  readonly at: Uint32Array;
  readonly values: Float64Array;
}

function columnsOf(points: readonly PackedPoint[]): Map<number, Column> {
  const columns = new Map<number, Column>();
  for (const [at, { numbers }] of points.entries()) {
    const view = new DataView(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const count = view.getUint16(0, true);
    for (let index = 0; index < count; index++) {
      const id = view.getUint16(2 + index * 2, true);
      let column = columns.get(id);
      if (!column) {
        column = { length: 0, at: new Uint32Array(points.length), values: new Float64Array(points.length) };
        columns.set(id, column);
      }
      column.at[column.length] = at;
      column.values[column.length] = view.getFloat64(2 + count * 2 + index * 8, true);
      column.length += 1;
    }
  }
  // By id, as rows have their fields.
  return new Map([...columns].sort(([a], [b]) => a - b));
}

function packColumn(id: number, { length, at, values: all }: Column, count: number): Uint8Array[] {
  const values = all.subarray(0, length);
  const present = new Uint8Array((count + 7) >> 3);
  for (const point of at.subarray(0, length)) present[point >> 3] = (present[point >> 3] ?? 0) | (1 << (point & 7));
  const digits = digitsOf(values);
  const scale = scales[digits];
  const head = Uint8Array.of(id & 0xff, id >> 8, digits);
  if (scale === undefined) return [head, present, planes(values.slice())];
  return [head, present, planes(Int32Array.from(values, (value) => Math.round(value * scale)))];
}

/** The least number of digits behind the point with which every value is an int32 and comes back bit by bit; else {@link asDouble}. */
function digitsOf(values: Float64Array): number {
  let digits = 0;
  for (const value of values) {
    while (!isExact(value, scales[digits])) {
      digits += 1;
      if (digits >= scales.length) return asDouble;
    }
  }
  // What was exact with fewer digits must be so with all of them, too.
  const scale = scales[digits];
  return values.every((value) => isExact(value, scale)) ? digits : asDouble;
}

function isExact(value: number, scale = 1): boolean {
  const scaled = Math.round(value * scale);
  return (scaled | 0) === scaled && Object.is(scaled / scale, value);
}

/** The bytes of numbers, all first bytes, then all second ones, and so on. */
function planes(numbers: Int32Array | Float64Array | BigInt64Array): Uint8Array {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const width = numbers.BYTES_PER_ELEMENT;
  const out = new Uint8Array(bytes.length);
  for (let plane = 0, to = 0; plane < width; plane++) {
    for (let from = plane; from < bytes.length; from += width) out[to++] = bytes[from] ?? 0;
  }
  return out;
}

/** Takes a block apart from its beginning. */
class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(packed: Uint8Array) {
    this.#bytes = zstdDecompressSync(packed, { maxOutputLength: maxUnpackedBytes });
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('it ends too soon');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** The bytes of `count` numbers of a width, in their usual order, aligned. */
  numbers(count: number, width: number): ArrayBuffer {
    const bytes = this.take(count * width);
    const out = new Uint8Array(count * width);
    for (let plane = 0, from = 0; plane < width; plane++) {
      for (let to = plane; to < out.length; to += width) out[to] = bytes[from++] ?? 0;
    }
    return out.buffer;
  }
}

/**
 * The points of a block, in order of their times.
 * @param first - the time of the first point
 * @throws {Error} where the bytes are no block
 */
export function unpackPoints(packed: Uint8Array, first: bigint): PackedPoint[] {
  const unpacker = new Unpacker(packed);
  const head = unpacker.take(12);
  const [count, columnCount, stringBytes] = [head.readUInt32LE(0), head.readUInt32LE(4), head.readUInt32LE(8)];
  const times = new BigInt64Array(unpacker.numbers(count, 8));
  const columns: (Column & { id: number })[] = [];
  for (let column = 0; column < columnCount; column++) columns.push(unpackColumn(unpacker, count));
  const strings = stringBytes > 0 ? (JSON.parse(unpacker.take(stringBytes).toString()) as (string | null)[]) : [];
  const numbers = rowsOf(columns, count);
  let time = first;
  return numbers.map((row, at) => {
    time += times[at] ?? 0n;
    return { time, numbers: row, strings: strings[at] ?? null };
  });
}

function unpackColumn(unpacker: Unpacker, count: number): Column & { id: number } {
  const head = unpacker.take(3);
  const present = unpacker.take((count + 7) >> 3);
  const at = new Uint32Array(count);
  let length = 0;
  for (let point = 0; point < count; point++) {
    if ((present[point >> 3] ?? 0) & (1 << (point & 7))) at[length++] = point;
  }
  const scale = scales[head.readUInt8(2)];
  const values =
    scale === undefined
      ? new Float64Array(unpacker.numbers(length, 8))
      : Float64Array.from(new Int32Array(unpacker.numbers(length, 4)), (value) => value / scale);
  return { id: head.readUInt16LE(0), length, at, values };
}

/** The columns as rows have them. */
function rowsOf(columns: readonly (Column & { id: number })[], count: number): Uint8Array[] {
  const widths = new Uint32Array(count);
  for (const { length, at } of columns) {
    for (const point of at.subarray(0, length)) widths[point] = (widths[point] ?? 0) + 1;
  }
  const rows = Array.from(widths, (width) => new Uint8Array(2 + width * 10));
  const views = rows.map(({ buffer }) => new DataView(buffer));
  for (const [point, view] of views.entries()) view.setUint16(0, widths[point] ?? 0, true);
  const filled = new Uint32Array(count);
  for (const { id, length, at, values } of columns) {
    for (let index = 0; index < length; index++) {
      const point = at[index] ?? 0;
      const [width, slot] = [widths[point] ?? 0, filled[point] ?? 0];
      views[point]?.setUint16(2 + slot * 2, id, true);
      views[point]?.setFloat64(2 + width * 2 + slot * 8, values[index] ?? 0, true);
      filled[point] = slot + 1;
    }
  }
  return rows;
}

/** Points of a block and rows, both in order of their times, in that order. Of two with one time the row is the later one. */
export function merged<T extends Pick<PackedPoint, 'time'>>(packed: readonly T[], rows: readonly T[]): readonly T[] {
  if (rows.length === 0 || packed.length === 0) return rows.length === 0 ? packed : rows;
  const all: T[] = [];
  let next = 0;
  for (const row of rows) {
    for (let point = packed[next]; point && point.time <= row.time; point = packed[next]) {
      if (point.time < row.time) all.push(point);
      next += 1;
    }
    all.push(row);
  }
  all.push(...packed.slice(next));
  return all;
}
