import { type Counts, inSegment, type SkipReason, type Skips, type StepRows } from './port.ts';
import { enlarged, spare } from './spare.ts';

const none: readonly string[] = [];
const noFloats = new Float64Array(0);
const noIntegers = new Int32Array(0);
const noBytes = new Uint8Array(0);
/** Below this a view of an array costs more than it saves. */
const fewRows = 16;

/** The rows that a step gives, and what it left out. Filled again for each batch, so that memory is taken only while batches grow. */
export class Output {
  #capacity = 0;
  #columnCapacity = 0;
  /** Rows that so far went out in their places: what they say beside their values need not be copied. */
  #followed: StepRows | undefined;
  #names: readonly string[] = none;
  #received: StepRows['received'];
  count = 0;
  devices = noIntegers;
  seconds = noFloats;
  nanoseconds = noIntegers;
  truths = noIntegers;
  inputs = noIntegers;
  segments = noBytes;
  unsent = noIntegers;
  /** By channel. Replaced when they grow: read them after {@link reserve}. */
  readonly columns: Float64Array[];
  consumed = 0;
  duplicates = 0;
  mixed = 0;
  merged = 0;
  #skips = emptySkips();

  constructor(width: number) {
    this.columns = new Array<Float64Array>(width).fill(noFloats);
  }

  /**
   * Forgets the batch before.
   * @param followed - the rows that come in, where most go out as they are but for their values
   */
  begin({ names, received }: Pick<StepRows, 'names' | 'received'>, followed?: StepRows): void {
    this.#followed = followed;
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
    const needed = this.count + more;
    if (needed > this.#columnCapacity) this.#growColumns(Math.max(64, this.#columnCapacity * 2, needed));
    if (needed > this.#capacity && !this.#followed) this.#grow(Math.max(64, this.#capacity * 2, needed));
  }

  #growColumns(capacity: number): void {
    this.#columnCapacity = capacity;
    for (let column = 0; column < this.columns.length; column++)
      this.columns[column] = enlarged(this.columns[column]!, capacity, this.count);
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.devices = enlarged(this.devices, capacity, this.count);
    this.seconds = enlarged(this.seconds, capacity, this.count);
    this.nanoseconds = enlarged(this.nanoseconds, capacity, this.count);
    this.truths = enlarged(this.truths, capacity, this.count);
    this.inputs = enlarged(this.inputs, capacity, this.count);
    this.segments = enlarged(this.segments, capacity, this.count);
    this.unsent = enlarged(this.unsent, capacity, this.count);
  }

  /** Nobody looks at the rows of this batch any more: others may use their arrays. */
  release(): void {
    for (const array of [this.seconds, this.devices, this.nanoseconds, this.truths, this.inputs, this.unsent])
      spare(array);
    spare(this.segments);
    for (const column of this.columns) spare(column);
    this.#capacity = 0;
    this.#columnCapacity = 0;
    this.#followed = undefined;
    this.count = 0;
    this.seconds = noFloats;
    this.segments = noBytes;
    for (const name of ['devices', 'nanoseconds', 'truths', 'inputs', 'unsent'] as const) this[name] = noIntegers;
    this.columns.fill(noFloats);
  }

  /** A row comes that is not the next of those that were followed: what these say is copied now. */
  #leave(followed: StepRows): void {
    const { count } = this;
    this.#followed = undefined;
    this.count = 0;
    this.reserve(Math.max(followed.count, count + 1));
    this.#copyFrames(followed, 0, count);
    this.count = count;
  }

  /** When its rows were, as far as there are. */
  get times(): Pick<StepRows, 'seconds' | 'nanoseconds'> {
    return this.#followed ?? this;
  }

  /** Adds a row but for its values, for which there must be room, and gives its index. */
  add(device: number, seconds: number, nanoseconds: number, truth: number, input: number, segment = inSegment): number {
    if (this.#followed) this.#leave(this.#followed);
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
    if (this.#followed) this.#leave(this.#followed);
    const end = this.count + count;
    this.devices.fill(device, this.count, end);
    this.inputs.fill(input, this.count, end);
    this.segments.fill(inSegment, this.count, end);
    this.unsent.fill(0, this.count, end);
    this.count = end;
  }

  /** Adds rows `from` up to `to` as they are, values too where there are as many columns; gives the index of the first. */
  copy(rows: StepRows, from: number, to: number): number {
    const first = this.count;
    if (this.#followed && (this.#followed !== rows || first !== from)) this.#leave(this.#followed);
    this.reserve(to - from);
    if (to - from < fewRows && !this.#followed) {
      for (let row = from; row < to; row++) this.#copyOne(rows, row);
      return first;
    }
    if (!this.#followed) this.#copyFrames(rows, from, to);
    const columns = Math.min(rows.columns.length, this.columns.length);
    for (let column = 0; column < columns; column++)
      this.columns[column]!.set(rows.columns[column]!.subarray(from, to), first);
    this.count += to - from;
    return first;
  }

  /** What rows say beside their values. */
  #copyFrames(rows: StepRows, from: number, to: number): void {
    const first = this.count;
    this.devices.set(rows.devices.subarray(from, to), first);
    this.seconds.set(rows.seconds.subarray(from, to), first);
    this.nanoseconds.set(rows.nanoseconds.subarray(from, to), first);
    this.truths.set(rows.truths.subarray(from, to), first);
    this.inputs.set(rows.inputs.subarray(from, to), first);
    this.segments.set(rows.segments.subarray(from, to), first);
    this.unsent.set(rows.unsent.subarray(from, to), first);
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
    const { count, columns } = this;
    const { devices, seconds, nanoseconds, truths, inputs, segments, unsent } = this.#followed ?? this;
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
