import { type InputRecord, InputRows } from '../../core/steps/input.ts';
import { noTruth, type StepRows } from '../../core/steps/port.ts';
import type { StateReader, StateWriter } from '../../core/steps/state.ts';
import { parseTime, type Time, timeOf } from '../../core/steps/time.ts';
import type { ReadingBatch, SampleBlock } from '../decode.ts';

/** More different truths than this are not told apart: they count as unknown. */
const maxTruths = 10_000;

interface StepInputOptions {
  readonly asksArrival: boolean;
  readonly takesValues: boolean;
}

const none: readonly number[] = [];

/** The readings of a partition as steps take them, with what the rows made of them repeat: when they arrived, and their truth. */
export class StepInput {
  readonly #rows: InputRows;
  /** By channel, its column in a reading. */
  readonly #columns: readonly number[];
  readonly #asksArrival: boolean;
  readonly #takesValues: boolean;
  /** By input of the batch under way. */
  #received: string[] = [];
  readonly #truths: string[] = [];
  readonly #truthIndex = new Map<string, number>();

  /**
   * @param columns - by channel of the steps, its column in the stream
   * @param options - `asksArrival`: whether a step asks when a record arrived: only the check of times ahead does; `takesValues`: as the
   * chain says
   */
  constructor(columns: readonly number[], { asksArrival, takesValues }: StepInputOptions) {
    this.#rows = new InputRows(takesValues ? 0 : columns.length);
    this.#columns = columns;
    this.#takesValues = takesValues;
    this.#asksArrival = asksArrival;
  }

  /** The rows of a batch, valid until the next call. */
  of(readings: ReadingBatch): StepRows {
    const { count, timeTexts, blocks, values, width, devices, received: arrivals, truths } = readings;
    const columns = this.#takesValues ? none : this.#columns;
    const sample = new Float64Array(columns.length);
    this.#rows.begin(count);
    this.#received = [];
    let nextBlock = 0;
    for (let row = 0; row < count; ) {
      const block = blocks[nextBlock];
      if (block?.row === row) {
        const channels = columns.map((column) => columnOf(values, width, column, block));
        const record = this.#recordOf(block, timeOf(block.time));
        const sent = columns.map((column) => block.sent[column] ?? block.count);
        const ending = withEnd(record, readings, row + block.count - 1);
        this.#rows.addSamples(ending, block.rate, block.count, channels, sent);
        nextBlock += 1;
        row += block.count;
        continue;
      }
      for (let channel = 0; channel < columns.length; channel++)
        sample[channel] = values[row * width + (columns[channel] ?? 0)] ?? Number.NaN;
      const [device = '', received = '', truth] = [devices[row], arrivals[row], truths[row]];
      const record = this.#recordOf({ device, received, truth }, parseTime(timeTexts[row] ?? ''));
      this.#rows.addSample(withEnd(record, readings, row), sample);
      row += 1;
    }
    const rows = this.#rows.rows();
    return this.#takesValues ? { ...rows, values: this.#valuesOf(readings) } : rows;
  }

  /** Row after row: a reading's are as a rule the very ones. */
  #valuesOf(readings: ReadingBatch): Float64Array {
    const { values, width, count } = readings;
    const columns = this.#columns;
    if (columns.length === width && columns.every((column, channel) => column === channel)) return values;
    const own = new Float64Array(count * columns.length);
    for (let row = 0, at = 0; row < count; row++)
      for (const column of columns) own[at++] = values[row * width + column] ?? Number.NaN;
    return own;
  }

  /** Nobody looks at the rows of the batch any more; what rows made of them repeat stays. */
  release(): void {
    this.#rows.release();
  }

  /** A reading of a device that measures nothing, as {@link of}. */
  emptyAt(device: string, time: Time): StepRows {
    this.#rows.begin();
    const record = { device, time, truth: noTruth };
    const arrived = this.#asksArrival ? { ...record, received: time } : record;
    const values = new Float64Array(this.#columns.length).fill(Number.NaN);
    this.#rows.addSample(arrived, values);
    return this.#takesValues ? { ...this.#rows.rows(), values } : this.#rows.rows();
  }

  /** When the collector took this input of the batch. */
  receivedOf(input: number | undefined): string {
    return this.#received[input ?? 0] ?? '';
  }

  /** The class of an index that rows bear. */
  truthOf(index: number | undefined): string | undefined {
    return this.#truths[index ?? noTruth];
  }

  /** From now on truths have the indices that they have there. */
  useTruthsOf(other: StepInput): void {
    this.useTruths(other.#truths);
  }

  /** From now on truths have these indices. */
  useTruths(truths: readonly string[]): void {
    this.#truths.splice(0, this.#truths.length, ...truths);
    this.#truthIndex.clear();
    for (const [index, truth] of truths.entries()) this.#truthIndex.set(truth, index);
  }

  writeTruths(writer: StateWriter): void {
    writer.number(this.#truths.length);
    for (const truth of this.#truths) writer.text(truth);
  }

  #recordOf({ device, received, truth }: Pick<SampleBlock, 'device' | 'received' | 'truth'>, time: Time): InputRecord {
    this.#received.push(received);
    const record = { device, time, truth: this.#indexOf(truth) };
    return this.#asksArrival ? { ...record, received: parseTime(received) } : record;
  }

  #indexOf(truth: string | undefined): number {
    if (truth === undefined) return noTruth;
    const known = this.#truthIndex.get(truth);
    if (known !== undefined) return known;
    if (this.#truths.length >= maxTruths) return noTruth;
    this.#truthIndex.set(truth, this.#truths.length);
    return this.#truths.push(truth) - 1;
  }
}

/** What {@link StepInput.writeTruths} wrote. @throws {RangeError} where the bytes are something else */
export function readTruths(reader: StateReader): string[] {
  return Array.from({ length: reader.count(maxTruths) }, () => reader.text());
}

/** A record, and how it ends its segment where its last row does. */
function withEnd(record: InputRecord, { ends }: ReadingBatch, row: number): InputRecord {
  const segment = ends.get(row);
  return segment === undefined ? record : { ...record, segment };
}

/** The samples of a block in one column of a reading. */
function columnOf(values: Float64Array, width: number, column: number, { row, count }: SampleBlock): Float64Array {
  if (width === 1) return values.subarray(row, row + count);
  const samples = new Float64Array(count);
  for (let sample = 0, at = row * width + column; sample < count; sample++, at += width)
    samples[sample] = values[at] ?? Number.NaN;
  return samples;
}
