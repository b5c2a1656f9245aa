import type { Rows } from '../core/model/rows.ts';
import { endsSegment, onlyEndsSegment } from '../core/steps/port.ts';
import { decodeFact } from '../core/wire/decode-fact.ts';
import { frameFault, mismatch, parseRecord, type ReadingFrame, valueFault } from '../core/wire/decode-reading.ts';
import { samplesFault } from '../core/wire/decode-samples.ts';
import type { Fact } from '../core/wire/fact.ts';
import { sampleOffsetNs } from '../core/wire/sample-offset.ts';
import { maxSampleValues, type Samples, sampleCount } from '../core/wire/samples.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { PlainColumn, PlainSamples } from './plain-samples.ts';
import type { PlainValues } from './plain-values.ts';
import { readersOf } from './readers.ts';

/** A sound record of samples but for its values. */
type SamplesFrame = Omit<Samples, 'values'>;

/** Why a record gives no row. `dead`: it can never be processed. `skip`: it is sound, but not for this classifier. */
export interface Refusal {
  readonly kind: 'dead' | 'skip';
  readonly reason: string;
}

/** The reason of a skip: the record belongs to another stream that shares the topic. */
export const foreignStream = 'foreign-stream';

const foreign: Refusal = { kind: 'skip', reason: foreignStream };
const dead = (reason: string): Refusal => ({ kind: 'dead', reason });

/** Rows that one record of many samples gave: all of its device, the first at its time. */
export interface SampleBlock {
  readonly row: number;
  readonly count: number;
  readonly device: string;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly received: string;
  readonly truth: string | undefined;
  /** Samples a second. */
  readonly rate: number;
  /** By column of the stream, how many samples the record's array has; `count` where it has none. */
  readonly sent: readonly number[];
}

/** Room for so many values is made at once where it seems that all records are as long as the first. */
const maxExpectedValues = 1_000_000;
/** The most values of one record, gaps of fields that it lacks included: what it takes in memory. */
const maxBlockValues = 8_000_000;

/**
 * The readings of one batch, by column: the rows for the model, and what a prediction repeats. Filled again for each batch, so that
 * a partition allocates only while its batches grow.
 */
export class ReadingBatch {
  readonly #stream: Stream;
  readonly #columns: ReadonlyMap<string, number>;
  readonly #plain: PlainValues | undefined;
  readonly #plainSamples: PlainSamples;
  /** As many records are expected. */
  #records = 0;
  /** Whether the last record had samples: the next one probably has, too. */
  #expectsSamples = false;
  /** Rows for whose values there is room. */
  #capacity = 0;
  #values = new Float64Array(0);
  #times = new BigInt64Array(0);
  count = 0;
  /** The facts of a batch of the facts topic, which has no rows. */
  facts: Fact[] = [];
  /** Gaps over all rows, but for those of samples behind the end of their array. */
  gaps = 0;
  /** Values whose names the stream does not know. They are ignored, as the line-protocol endpoint ignores them. */
  unknownFields = 0;
  devices: string[] = [];
  timeTexts: string[] = [];
  received: string[] = [];
  truths: (string | undefined)[] = [];
  gapsByRow: number[] = [];
  /** By row, how a record ends its segment there: with the last of its samples, or with nothing beside. Most batches have none. */
  readonly ends = new Map<number, typeof endsSegment | typeof onlyEndsSegment>();
  /** In order of their rows. What else is kept by row, the rows of a block have once somebody asks for {@link rows}. */
  blocks: SampleBlock[] = [];
  /** How many blocks are spread. */
  #spread = 0;

  constructor(stream: Stream) {
    const { columns, plain, plainSamples } = readersOf(stream);
    this.#stream = stream;
    this.#columns = columns;
    this.#plain = plain;
    this.#plainSamples = plainSamples;
  }

  /** Forgets the rows and makes room for so many. Arrays handed out before belong to the past batch. */
  reset(capacity: number): void {
    this.count = 0;
    this.#records = capacity;
    this.facts = [];
    this.gaps = 0;
    this.unknownFields = 0;
    this.devices = [];
    this.timeTexts = [];
    this.received = [];
    this.truths = [];
    this.gapsByRow = [];
    this.blocks = [];
    this.#spread = 0;
    this.ends.clear();
    if (this.#capacity < capacity) this.#grow(capacity);
  }

  /** Makes room for more rows than there are records, and keeps those that are there. */
  #reserve(more: number): void {
    const needed = this.count + more;
    // The records of a batch are mostly alike, so that one of many samples tells what room all of them take.
    const all = this.count === 0 && more * this.#records * this.width <= maxExpectedValues ? more * this.#records : 0;
    if (needed > this.#capacity) this.#grow(Math.max(this.#capacity * 2, needed, all));
    else if (all > this.#capacity) this.#grow(all);
  }

  #grow(capacity: number): void {
    const values = new Float64Array(capacity * this.width);
    values.set(this.#values.subarray(0, this.count * this.width));
    this.#values = values;
    this.#capacity = capacity;
  }

  /** Rows of blocks have times of their own only once somebody asks for {@link rows}. */
  #reserveTimes(): void {
    if (this.#times.length >= this.#capacity) return;
    const times = new BigInt64Array(this.#capacity);
    times.set(this.#times);
    this.#times = times;
  }

  /** Gives each row of a block what is kept by row. Steps need none of it: they take blocks whole. */
  #spreadBlocks(): void {
    for (; this.#spread < this.blocks.length; this.#spread++) this.#spreadBlock(this.blocks[this.#spread]!);
  }

  #spreadBlock({ row: first, count, device, time, rate, received, truth }: SampleBlock): void {
    const { width } = this;
    this.#reserveTimes();
    for (let sample = 0; sample < count; sample++) {
      const row = first + sample;
      const ns = time + BigInt(sampleOffsetNs(sample, rate));
      this.#times[row] = ns;
      this.devices.push(device);
      this.timeTexts.push(`${ns}`);
      this.received.push(received);
      this.truths.push(truth);
      let gaps = 0;
      for (let at = row * width; at < (row + 1) * width; at++) if (Number.isNaN(this.#values[at])) gaps += 1;
      this.gapsByRow.push(gaps);
    }
  }

  get width(): number {
    return this.#stream.fields.length;
  }

  /** Of the rows so far, one row after the other. A view, valid until the next {@link reset}. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.count * this.width);
  }

  /** The rows so far, columns in the stream's order. Views, valid until the next {@link reset}. */
  rows(): Rows {
    this.#spreadBlocks();
    const { count, width, values, devices } = this;
    return { count, width, values, devices, times: this.#times.subarray(0, count) };
  }

  get factsTopic(): string {
    return this.#stream.topics.facts;
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.facts.length === 0;
  }

  /** Adds a record of either input, or returns why it is of no use. */
  take({ topic, value }: { readonly topic: string; readonly value: Uint8Array }): Refusal | undefined {
    return topic === this.#stream.topics.facts ? this.#addFact(value) : this.add(value);
  }

  #addFact(bytes: Uint8Array): Refusal | undefined {
    const fact = decodeFact(bytes);
    if (typeof fact === 'string') return dead(fact);
    if (fact.stream !== this.#stream.name) return foreign;
    this.facts.push(fact);
    return undefined;
  }

  /** Adds a record of the readings topic as a row, or returns why it is none. Checked against the schema of a reading by a test. */
  add(bytes: Uint8Array): Refusal | undefined {
    const samples = this.#expectsSamples ? this.#plainSamples.read(bytes) : undefined;
    if (samples && samplesFault(samples) === undefined)
      return this.#addPlainSamples(samples as unknown as SamplesFrame);
    this.#reserve(1);
    const plain = this.#plain?.read(bytes, this.#values, this.count * this.width);
    if (plain && frameFault(plain) === undefined) {
      this.#expectsSamples = false;
      return this.#addReading(plain as unknown as ReadingFrame, this.#plain);
    }
    const record = parseRecord(bytes);
    if (typeof record === 'string') return dead(record);
    this.#expectsSamples = record.rate !== undefined;
    if (this.#expectsSamples) return this.#addSamples(record);
    const wrong = frameFault(record);
    return wrong === undefined ? this.#addReading(record as unknown as ReadingFrame) : dead(wrong);
  }

  /** @param read - what has read the values into the row, if something has */
  #addReading(reading: ReadingFrame, read?: PlainValues): Refusal | undefined {
    const { stream, device, time, values, truth, received } = reading;
    if (stream !== this.#stream.name) return foreign;
    // What is kept by row stands in the order of the rows.
    this.#spreadBlocks();
    const nanos = BigInt(time);
    if (BigInt.asIntN(64, nanos) !== nanos) return dead(mismatch('time', time, 'nanoseconds that fit into 64 bits'));
    if (read) this.#countGaps(read.present);
    else {
      const fault = this.#fillRow(values);
      if (fault !== undefined) return dead(fault);
    }
    const isBare = read ? !read.hasKey : !hasKey(values);
    if (reading.endsSegment) this.ends.set(this.count, isBare ? onlyEndsSegment : endsSegment);
    this.#reserveTimes();
    this.#times[this.count] = nanos;
    this.devices.push(device);
    this.timeTexts.push(time);
    this.received.push(received);
    this.truths.push(truth);
    this.count += 1;
    return undefined;
  }

  /** Each sample is a row. */
  #addSamples(record: Record<string, unknown>): Refusal | undefined {
    const fault = samplesFault(record);
    if (fault !== undefined) return dead(fault);
    const samples = record as Samples;
    const { values } = samples;
    return this.#addBlock(samples, sampleCount(values), (count) => this.#fillBlock(values, count));
  }

  /** @param frame - of which {@link PlainSamples} has read the samples */
  #addPlainSamples(frame: SamplesFrame): Refusal | undefined {
    const { columns, samples } = this.#plainSamples;
    const count = columns.reduce((most, { length }) => Math.max(most, length), 0);
    return this.#addBlock(frame, count, () => this.#copyBlock(columns, samples, count));
  }

  /** @param fill - puts the values into the rows; returns by column how many samples there are */
  #addBlock(frame: SamplesFrame, count: number, fill: (count: number) => readonly number[]): Refusal | undefined {
    const { stream, device, time, rate, truth, received } = frame;
    if (stream !== this.#stream.name) return foreign;
    if (count > maxSampleValues || count * this.width > maxBlockValues)
      return dead(mismatch('values', `${count} samples`, 'fewer'));
    const first = BigInt(time);
    const last = first + BigInt(count === 0 ? 0 : sampleOffsetNs(count - 1, rate));
    if (BigInt.asIntN(64, first) !== first || BigInt.asIntN(64, last) !== last)
      return dead(mismatch('time', time, 'nanoseconds that fit into 64 bits'));
    this.#reserve(count);
    const row = this.count;
    const sent = fill(count);
    this.count += count;
    if (count > 0) this.blocks.push({ row, count, device, time: first, rate, sent, received, truth });
    if (count > 0 && frame.endsSegment) this.ends.set(row + count - 1, endsSegment);
    return undefined;
  }

  /** Rows of the samples that were read plainly. Samples that an array lacks are gaps that do not count. */
  #copyBlock(columns: readonly PlainColumn[], samples: Float64Array, count: number): readonly number[] {
    const { width } = this;
    const start = this.count * width;
    const rows = this.#values;
    const isWhole = columns.length === width && columns.every(({ length }) => length === count);
    if (!isWhole) rows.fill(Number.NaN, start, start + count * width);
    const sent = new Array<number>(width).fill(count);
    for (const { column, first, length, present } of columns) {
      sent[column] = length;
      this.gaps -= present;
      if (width === 1) rows.set(samples.subarray(first, first + length), start);
      else
        for (let at = 0, to = start + column; at < length; at++, to += width)
          rows[to] = samples[first + at] ?? Number.NaN;
    }
    for (const length of sent) this.gaps += length;
    return sent;
  }

  #fillBlock(values: Samples['values'], count: number): readonly number[] {
    const { width } = this;
    const start = this.count * width;
    const rows = this.#values.fill(Number.NaN, start, start + count * width);
    const sent = new Array<number>(width).fill(count);
    for (const name in values) {
      const column = this.#columns.get(name);
      const array = values[name] ?? [];
      if (column !== undefined) sent[column] = array.length;
      for (let sample = 0; sample < array.length; sample++) {
        const value = array[sample] ?? null;
        if (value === null) continue;
        if (column === undefined) this.unknownFields += 1;
        else {
          rows[start + sample * width + column] = value;
          this.gaps -= 1;
        }
      }
    }
    for (const length of sent) this.gaps += length;
    return sent;
  }

  /** @returns why the values make no row */
  #fillRow(values: ReadingFrame['values']): string | undefined {
    const fields = this.#stream.fields;
    const start = this.count * fields.length;
    const row = this.#values.fill(Number.NaN, start, start + fields.length);
    let expected = 0;
    let present = 0;
    let unknown = 0;
    for (const name in values) {
      const value = values[name];
      // Senders mostly keep the stream's order, so the next field is tried before the map.
      const column = fields[expected] === name ? expected : this.#columns.get(name);
      expected += 1;
      if (value === null) continue;
      if (typeof value !== 'number' || !Number.isFinite(value)) return valueFault(name, value);
      if (column === undefined) unknown += 1;
      else {
        row[start + column] = value;
        present += 1;
      }
    }
    this.unknownFields += unknown;
    this.#countGaps(present);
    return undefined;
  }

  #countGaps(present: number): void {
    const gaps = this.width - present;
    this.gaps += gaps;
    this.gapsByRow.push(gaps);
  }
}

function hasKey(values: object): boolean {
  for (const _ in values) return true;
  return false;
}
