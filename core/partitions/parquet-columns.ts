import type { ParquetWriter } from 'hyparquet-writer';
import { EvenSteps } from '../numeric/even-steps.ts';
import { boundsOf, writeDeltas, writeEven } from './delta-times.ts';
import { DoubleDictionary } from './double-dictionary.ts';
import { PageBytes } from './page-bytes.ts';
import { type Column, type ColumnChunk, writeChunk } from './parquet-chunk.ts';

/** Indexes have 16 bits. */
const mostIndexes = 1 << 16;
/** A column with gaps has one among so many numbers, as a rule. */
const gapsProbed = 4_096;

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | BigInt64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/**
 * Writes row groups, each column as one page, into a file of `hyparquet-writer`, which writes all else of it. Columns of its own take
 * every value through several functions, and that costs more than all other work of an export.
 */
export class GroupWriter {
  static #last: GroupWriter | undefined;
  #parquet: ParquetWriter;
  readonly #levels = new PageBytes();
  readonly #values = new PageBytes();
  readonly #texts = new PageBytes();
  readonly #doubles = new DoubleDictionary();
  readonly #steps = new EvenSteps();
  #columns: ColumnChunk[] = [];
  #count = 0;
  /** Of the column at hand: by row whether it has a value; those values; the place of each in the dictionary. */
  #flags = new Uint16Array(0);
  #kept = new Float64Array(0);
  #indexes = new Uint16Array(0);

  constructor(parquet: ParquetWriter) {
    this.#parquet = parquet;
  }

  /** The same writer for each file after the other, whose room is used again. All groups of a file are written without a wait. */
  static on(parquet: ParquetWriter): GroupWriter {
    GroupWriter.#last ??= new GroupWriter(parquet);
    GroupWriter.#last.#parquet = parquet;
    return GroupWriter.#last;
  }

  /** Begins a group of so many rows; columns follow in the order of the schema. */
  begin(count: number): void {
    this.#columns = [];
    this.#count = count;
    if (count <= this.#flags.length) return;
    this.#flags = new Uint16Array(count);
    this.#kept = new Float64Array(count);
    this.#indexes = new Uint16Array(count);
  }

  end(): void {
    const sum = (size: 'total_uncompressed_size' | 'total_compressed_size') =>
      this.#columns.reduce((total, { meta_data: meta }) => total + (meta?.[size] ?? 0n), 0n);
    this.#parquet.row_groups.push({
      columns: this.#columns,
      total_byte_size: sum('total_uncompressed_size'),
      num_rows: BigInt(this.#count),
      total_compressed_size: sum('total_compressed_size'),
    });
    this.#parquet.num_rows += BigInt(this.#count);
  }

  /** One text for all rows. */
  constant(name: string, text: string): void {
    this.#levels.clear();
    const statistics = { min_value: text, max_value: text, null_count: 0n };
    this.#writeText({ name, nulls: 0, statistics }, text);
  }

  times(name: string, times: BigInt64Array): void {
    this.#levels.clear();
    const step = this.#steps.stepOf(times);
    const [start = 0n] = times;
    let encoding: Column['encoding'] = 'DELTA_BINARY_PACKED';
    if (step !== undefined) writeEven(times, start, step, this.#values.clear());
    else if (!writeDeltas(times, this.#values.clear())) {
      encoding = 'PLAIN';
      this.#values.clear().append(bytesOf(times));
    }
    const { first, last } = boundsOf(times, step);
    const statistics = { min_value: first, max_value: last, null_count: 0n };
    this.#write({ name, type: 'INT64', nulls: 0, encoding, statistics });
  }

  /** Numbers; NaN is null. */
  numbers(name: string, numbers: Float64Array): void {
    // To the dictionary a gap is a number like any other: where it holds none, nobody has to look at each number for that.
    let isFound = !hasGap(numbers.subarray(0, gapsProbed)) && this.#find(numbers);
    let kept = numbers;
    if (isFound && !hasGap(this.#doubles.doubles)) this.#putLevel(1);
    else {
      kept = this.#withoutGaps(numbers);
      if (kept.length < numbers.length) isFound = this.#find(kept);
    }
    const column = { name, type: 'DOUBLE', nulls: numbers.length - kept.length } as const;
    const { size, doubles } = this.#doubles;
    if (isFound && size > 0 && 2 * size <= kept.length) {
      this.#putIndexes(this.#indexes.subarray(0, kept.length), size);
      this.#write({ ...column, encoding: 'RLE_DICTIONARY', dictionary: { size, bytes: bytesOf(doubles) } });
    } else {
      this.#values.clear().append(bytesOf(kept));
      this.#write({ ...column, encoding: 'PLAIN' });
    }
  }

  /** By row the index of a text, or a negative one, which is null. */
  texts(name: string, texts: readonly string[], rows: Int32Array): void {
    const [first = -1] = rows;
    if (isConstant(rows)) {
      this.#putLevel(first < 0 ? 0 : 1);
      if (first < 0) this.#writeNulls(name, 'BYTE_ARRAY');
      else this.#writeText({ name, nulls: 0 }, texts[first] ?? '');
      return;
    }
    const places = new Map<number, number>();
    let kept = 0;
    for (let row = 0; row < rows.length; row += 1) {
      const text = rows[row]!;
      this.#flags[row] = text < 0 ? 0 : 1;
      if (text < 0) continue;
      const place = places.get(text) ?? places.size;
      places.set(text, place);
      this.#indexes[kept++] = place;
    }
    const column = { name, type: 'BYTE_ARRAY', nulls: this.#putLevels(kept) } as const;
    if (places.size > mostIndexes) {
      this.#values.clear();
      for (const text of rows) if (text >= 0) putText(texts[text] ?? '', this.#values);
      this.#write({ ...column, encoding: 'PLAIN' });
      return;
    }
    this.#putIndexes(this.#indexes.subarray(0, kept), places.size);
    this.#texts.clear();
    for (const text of places.keys()) putText(texts[text] ?? '', this.#texts);
    const dictionary = { size: places.size, bytes: this.#texts.written };
    this.#write({ ...column, encoding: 'RLE_DICTIONARY', dictionary });
  }

  /** True where a byte is 1, else null. */
  marks(name: string, rows: Uint8Array): void {
    if (!rows.includes(1)) {
      this.#putLevel(0);
      this.#writeNulls(name, 'BOOLEAN');
      return;
    }
    let kept = 0;
    for (let row = 0; row < rows.length; row += 1) {
      const flag = rows[row] === 1 ? 1 : 0;
      this.#flags[row] = flag;
      kept += flag;
    }
    const nulls = this.#putLevels(kept);
    this.#values.clear().append(new Uint8Array(Math.ceil(kept / 8)).fill(0xff));
    this.#write({ name, type: 'BOOLEAN', nulls, encoding: 'PLAIN' });
  }

  /** @returns whether each number has a place in the dictionary, which is then known */
  #find(numbers: Float64Array): boolean {
    this.#doubles.clear();
    return this.#doubles.indexesOf(numbers, this.#indexes);
  }

  #withoutGaps(numbers: Float64Array): Float64Array {
    if (!hasGap(numbers)) {
      this.#putLevel(1);
      return numbers;
    }
    const [flags, kept] = [this.#flags, this.#kept];
    let count = 0;
    for (let row = 0; row < numbers.length; row += 1) {
      const value = numbers[row]!;
      const flag = Number.isNaN(value) ? 0 : 1;
      flags[row] = flag;
      kept[count] = value;
      count += flag;
    }
    this.#putLevels(count);
    return kept.subarray(0, count);
  }

  /** The same for all rows: whether they have a value. */
  #putLevel(flag: 0 | 1): void {
    this.#levels.clear().run(flag, this.#count, 1);
  }

  /** From the flags. @returns how many rows have no value */
  #putLevels(kept: number): number {
    this.#levels.clear().runs(this.#flags.subarray(0, this.#count), 1);
    return this.#count - kept;
  }

  #putIndexes(indexes: Uint16Array, size: number): void {
    const width = 32 - Math.clz32(size - 1);
    this.#values.clear().byte(width);
    this.#values.runs(indexes, width);
  }

  #writeNulls(name: string, type: Column['type']): void {
    this.#values.clear();
    this.#write({ name, type, nulls: this.#count, encoding: 'PLAIN' });
  }

  /** The same in all rows. */
  #writeText(column: Pick<Column, 'name' | 'nulls' | 'statistics'>, text: string): void {
    const width = 0;
    this.#values.clear().byte(width);
    this.#values.run(0, this.#count, width);
    this.#texts.clear();
    putText(text, this.#texts);
    const dictionary = { size: 1, bytes: this.#texts.written };
    this.#write({ ...column, type: 'BYTE_ARRAY', encoding: 'RLE_DICTIONARY', dictionary });
  }

  #write(column: Omit<Column, 'rows' | 'levels' | 'values'>): void {
    const pages = { rows: this.#count, levels: this.#levels.written, values: this.#values.written };
    this.#columns.push(writeChunk(this.#parquet.writer, { ...column, ...pages }));
  }
}

function isConstant(rows: Int32Array): boolean {
  const { buffer, byteOffset, byteLength } = rows;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  // Each is as the one before it.
  const [all, one] = [Math.max(byteLength, rows.BYTES_PER_ELEMENT), rows.BYTES_PER_ELEMENT];
  return bytes.compare(bytes, one, all, 0, all - one) === 0;
}

function hasGap(numbers: Float64Array): boolean {
  for (let row = 0; row < numbers.length; row += 1) if (Number.isNaN(numbers[row])) return true;
  return false;
}

function putText(text: string, into: PageBytes): void {
  const bytes = Buffer.from(text);
  into.uint32(bytes.length);
  into.append(bytes);
}
