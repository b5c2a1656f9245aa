import { type Counts, inSegment, type SkipReason, type Skips, type StepRows } from './port.ts';

const none: readonly string[] = [];
/** Below this a view of an array costs more than it saves. */
const fewRows = 16;

/** The rows that a step gives, and what it left out. Filled again for each batch, so that memory is taken only while batches grow. */
export class Output {
  #capacity = 0;
  #names: readonly string[] = none;
  #received: StepRows['received'];
  count = 0;
  devices = new Int32Array(0);
  seconds = new Float64Array(0);
  nanoseconds = new Int32Array(0);
  truths = new Int32Array(0);
  inputs = new Int32Array(0);
  segments = new Uint8Array(0);
  unsent = new Int32Array(0);
  /** By channel. Replaced when they grow: read them after {@link reserve}. */
  readonly columns: Float64Array[];
  consumed = 0;
  duplicates = 0;
  mixed = 0;
  merged = 0;
  #skips = emptySkips();

  constructor(width: number) {
    this.columns = Array.from({ length: width }, () => new Float64Array(0));
  }

  /** Forgets the batch before. */
  begin({ names, received }: Pick<StepRows, 'names' | 'received'>): void {
    this.#names = names;
    this.#received = received;
    this.count = 0;
    this.consumed = 0;
    this.duplicates = 0;
    this.mixed = 0;
    this.merged = 0;
    if (this.#skips.inputs.length > 0) this.#skips = emptySkips();
  }

  /** Makes room for so many rows more. */
  reserve(more: number): void {
    if (this.count + more <= this.#capacity) return;
    this.#capacity = Math.max(64, this.#capacity * 2, this.count + more);
    this.devices = grown(this.devices, this.#capacity, this.count);
    this.seconds = grown(this.seconds, this.#capacity, this.count);
    this.nanoseconds = grown(this.nanoseconds, this.#capacity, this.count);
    this.truths = grown(this.truths, this.#capacity, this.count);
    this.inputs = grown(this.inputs, this.#capacity, this.count);
    this.segments = grown(this.segments, this.#capacity, this.count);
    this.unsent = grown(this.unsent, this.#capacity, this.count);
    for (let column = 0; column < this.columns.length; column++)
      this.columns[column] = grown(this.columns[column]!, this.#capacity, this.count);
  }

  /** Adds a row but for its values, for which there must be room, and gives its index. */
  add(device: number, seconds: number, nanoseconds: number, truth: number, input: number, segment = inSegment): number {
    const row = this.count++;
    this.devices[row] = device;
    this.seconds[row] = seconds;
    this.nanoseconds[row] = nanoseconds;
    this.truths[row] = truth;
    this.inputs[row] = input;
    this.segments[row] = segment;
    this.unsent[row] = 0;
    return row;
  }

  /** Adds so many rows whose times and truths stand there already, for which there must be room. */
  addTimed(count: number, device: number, input: number): void {
    const end = this.count + count;
    this.devices.fill(device, this.count, end);
    this.inputs.fill(input, this.count, end);
    this.segments.fill(inSegment, this.count, end);
    this.unsent.fill(0, this.count, end);
    this.count = end;
  }

  /** Adds rows `from` up to `to` as they are, values too where there are as many columns; gives the index of the first. */
  copy(rows: StepRows, from: number, to: number): number {
    this.reserve(to - from);
    const first = this.count;
    if (to - from < fewRows) {
      for (let row = from; row < to; row++) this.#copyOne(rows, row);
      return first;
    }
    this.devices.set(rows.devices.subarray(from, to), first);
    this.seconds.set(rows.seconds.subarray(from, to), first);
    this.nanoseconds.set(rows.nanoseconds.subarray(from, to), first);
    this.truths.set(rows.truths.subarray(from, to), first);
    this.inputs.set(rows.inputs.subarray(from, to), first);
    this.segments.set(rows.segments.subarray(from, to), first);
    this.unsent.set(rows.unsent.subarray(from, to), first);
    const columns = Math.min(rows.columns.length, this.columns.length);
    for (let column = 0; column < columns; column++)
      this.columns[column]!.set(rows.columns[column]!.subarray(from, to), first);
    this.count += to - from;
    return first;
  }

  #copyOne(rows: StepRows, row: number): void {
    const at = this.add(
      rows.devices[row]!,
      rows.seconds[row]!,
      rows.nanoseconds[row]!,
      rows.truths[row]!,
      rows.inputs[row]!,
      rows.segments[row]!,
    );
    this.unsent[at] = rows.unsent[row]!;
    const columns = Math.min(rows.columns.length, this.columns.length);
    for (let column = 0; column < columns; column++) this.columns[column]![at] = rows.columns[column]![row]!;
  }

  skip(rows: StepRows, row: number, reason: SkipReason): void {
    this.#skips.inputs.push(rows.inputs[row]!);
    this.#skips.devices.push(rows.devices[row]!);
    this.#skips.seconds.push(rows.seconds[row]!);
    this.#skips.nanoseconds.push(rows.nanoseconds[row]!);
    this.#skips.reasons.push(reason);
  }

  get skips(): Skips {
    return this.#skips;
  }

  counts(evicted: number): Counts {
    return { consumed: this.consumed, duplicates: this.duplicates, merged: this.merged, mixed: this.mixed, evicted };
  }

  rows(): StepRows {
    const { count, devices, seconds, nanoseconds, truths, inputs, segments, unsent, columns } = this;
    const meta = { count, names: this.#names, devices, seconds, nanoseconds, truths, inputs, segments };
    const rows = { ...meta, unsent, columns };
    return this.#received ? { ...rows, received: this.#received } : rows;
  }
}

export const emptySkips = () => ({
  inputs: [] as number[],
  devices: [] as number[],
  seconds: [] as number[],
  nanoseconds: [] as number[],
  reasons: [] as SkipReason[],
});

/** A longer array with the first `kept` numbers of a shorter one. */
export function grown<T extends Float64Array | Int32Array | Uint8Array>(array: T, length: number, kept: number): T {
  const longer = new (array.constructor as new (length: number) => T)(length);
  longer.set(array.subarray(0, kept) as never);
  return longer;
}

/** What `committed` throws where it is not the latest batch's, or is called twice. */
export const staleBatch = () => new Error('only the latest batch that a step was given can be committed, once');
