import type { Rows } from '../../core/model/rows.ts';
import type { ModelSteps } from '../../core/model/steps.ts';
import type { ChainResult, ChainSession, StepOutcome } from '../../core/steps/chain.ts';
import type { RowNote } from '../../core/steps/facts/held.ts';
import type { FactResult, FactSession } from '../../core/steps/facts/session.ts';
import { FactTable } from '../../core/steps/facts/table.ts';
import { type InputRecord, InputRows } from '../../core/steps/input.ts';
import { noTruth, onlyEndsSegment, type StepRows } from '../../core/steps/port.ts';
import { StateReader, StateWriter } from '../../core/steps/state.ts';
import { compare, formatTime, nsOf, parseTime, type Time, timeOf } from '../../core/steps/time.ts';
import type { Fact } from '../../core/wire/fact.ts';
import type { ReadingBatch, SampleBlock } from '../decode.ts';
import type { PreparedRows, RowOrigins } from '../prepared-rows.ts';
import { EventTimes } from './event-times.ts';
import { RowBounds } from './row-bounds.ts';

/** More different truths than this are not told apart: they count as unknown. */
const maxTruths = 10_000;

/** The steps of a model at work on one partition: readings in, the model's rows out. */
export class PartitionSteps {
  readonly signature: string;
  readonly #steps: ModelSteps;
  #eventTimes = new EventTimes();
  #bounds = new RowBounds();
  readonly #chain: ChainSession;
  readonly #gate: FactSession | undefined;
  /** Samples that waited when another model took over; undefined before. */
  #inherited: number | undefined;
  readonly #width: number;
  #facts: FactTable;
  readonly #input: InputRows;
  /** By channel, its column in a reading. */
  readonly #columns: readonly number[];
  /** By input of the batch under way. */
  #received: string[] = [];
  readonly #truths: string[] = [];
  readonly #truthIndex = new Map<string, number>();

  /**
   * @param columns - by channel of the steps, its column in the stream
   * @param facts - the committed facts of the partition, which others change
   */
  constructor(steps: ModelSteps, columns: readonly number[], facts?: FactTable) {
    const { chain, channels, signature } = steps;
    this.#steps = steps;
    this.signature = signature;
    this.#chain = chain.open();
    this.#gate = chain.facts?.open();
    this.#width = chain.shape.channels.length;
    this.#facts = facts ?? new FactTable();
    this.#input = new InputRows(channels.length);
    this.#columns = columns;
  }

  /** Pure but for `committed` of what it returns, which is valid until the next call. */
  apply(readings: ReadingBatch): PreparedRows {
    const input = this.#inputOf(readings);
    const result = this.#chain.apply(input);
    const bounds = this.#bounds;
    const labelled = rowsOf(result.rows, bounds.areOpen ? undefined : (row) => bounds.includes(result.rows, row));
    const { rows, kept } = labelled;
    const committed = () => {
      this.#eventTimes.advance(input, result);
      result.committed();
    };
    const { outcomes } = result;
    if (!this.#gate) return { rows, origins: this.#originsOf(result, rows, kept), outcomes, committed };
    const { seconds, nanoseconds } = result.rows;
    const chainRows = {
      ...rows,
      seconds: kept.map((row) => seconds[row] ?? 0),
      nanoseconds: kept.map((row) => nanoseconds[row] ?? 0),
    };
    const gated = this.#gate.apply(chainRows, this.#facts, (at) => this.#noteOf(result, kept[at] ?? 0));
    // Where all are covered, their times are those of the rows that came.
    const times = gated.rows.count === rows.count ? rows.times : undefined;
    return this.#coveredOf(gated, outcomes, committed, { times });
  }

  /** Facts came: rows that waited for them proceed. As pure as {@link apply}; the table of facts is changed once this is committed. */
  release(facts: readonly Fact[]): PreparedRows {
    const gated = this.#gate?.release(facts, this.#facts) ?? nothingReleased;
    return this.#coveredOf(gated, [], () => {}, { waited: true });
  }

  /** When a device was heard of last, in its own time; undefined where it never was. */
  lastTimeOf(device: string): Time | undefined {
    return this.#eventTimes.of(device);
  }

  /**
   * The row that the steps before those of facts make of a reading of this device that measures nothing: what they know of the device at
   * that time. Undefined where they give no row of that time. Nothing is changed.
   */
  rowAt(device: string, time: Time): Float64Array | undefined {
    this.#input.begin();
    const record = { device, time, truth: noTruth };
    const arrived = this.#steps.chain.aheadNs === undefined ? record : { ...record, received: time };
    this.#input.addSample(arrived, new Float64Array(this.#columns.length).fill(Number.NaN));
    const { rows } = this.#chain.apply(this.#input.rows());
    for (let row = rows.count - 1; row >= 0; row--) {
      if (rows.windows || rows.segments[row] === onlyEndsSegment) continue;
      if (compare(rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0, time.seconds, time.nanoseconds) !== 0) continue;
      return Float64Array.from(rows.columns, (column) => column[row] ?? Number.NaN);
    }
    return undefined;
  }

  /** From now on this is the table of facts: that of the partition in which the session begins to work. */
  useFacts(facts: FactTable): void {
    this.#facts = facts;
  }

  #coveredOf(
    { rows: covered, skippedBy, missedBy, commutes, committed: commitGate }: FactResult,
    outcomes: readonly StepOutcome[],
    committed: () => void,
    { times: known, waited }: { readonly times?: BigInt64Array | undefined; readonly waited?: true },
  ): PreparedRows {
    const { count, values, devices, seconds, nanoseconds, notes, facts } = covered;
    const times = known ?? timesOf(seconds, nanoseconds);
    const rows = { count, width: this.#width, values, devices, times };
    const windows = notes.some(({ window }) => window !== undefined) && {
      from: notes.map(({ window }) => window?.from ?? ''),
      samples: notes.map(({ window }) => window?.samples ?? 0),
      missing: notes.map(({ window }) => window?.missing ?? 0),
    };
    const origins = {
      ...{ count, devices, restsOn: facts, gapsByRow: gapsOf(rows) },
      timeTexts: seconds.map((second, row) => formatTime(second, nanoseconds[row] ?? 0)),
      received: notes.map(({ received }) => received ?? ''),
      truths: notes.map(({ truth }) => truth),
      ...(waited && { waited }),
      ...(windows && { windows }),
    };
    return {
      ...{ rows, origins, outcomes, gated: { passed: count, skippedBy, missedBy, commutes } },
      committed() {
        committed();
        commitGate();
      },
    };
  }

  #noteOf({ rows }: ChainResult, row: number): RowNote {
    const truth = this.#truths[rows.truths[row] ?? noTruth];
    const { windows } = rows;
    const received = this.#received[rows.inputs[row] ?? 0] ?? '';
    if (!windows) return { received, truth };
    return {
      ...{ received, truth },
      window: {
        from: formatTime(windows.fromSeconds[row] ?? 0, windows.fromNanoseconds[row] ?? 0),
        samples: windows.samples[row] ?? 0,
        missing: windows.missing[row] ?? 0,
      },
    };
  }

  /** Another model takes over now: this one only completes the rows that have begun. Returns where each device is. */
  finish(): EventTimes {
    const at = this.#eventTimes.copy();
    this.#bounds.endAt(at);
    this.#inherited = this.held();
    return at;
  }

  /**
   * This one takes over: the rows that have begun by then are those of the model before. Where both begin with the same steps before
   * their windows, this one continues them, so that no filter starts anew.
   */
  startAfter(at: EventTimes, before: PartitionSteps): void {
    this.#bounds.startAfter(at, before.#bounds, before.#steps.chain.shape.windows);
    this.#eventTimes = at.copy();
    const [own, other] = [this.#steps, before.#steps];
    if (JSON.stringify(own.channels) !== JSON.stringify(other.channels)) return;
    const differing = own.sampleSteps.findIndex((step, index) => step !== other.sampleSteps[index]);
    const same = differing < 0 ? own.sampleSteps.length : differing;
    if (same === 0) return;
    // States hold truths by their index.
    this.#setTruths(before.#truths);
    this.#chain.loadFirst(before.#chain.save(), same);
    // What waits in them is of this one now.
    before.#inherited = Math.max(0, (before.#inherited ?? 0) - this.held());
  }

  /** After {@link finish}, whether no row that had begun can still come. A device that is silent keeps its own open. */
  get isFinished(): boolean {
    return this.waiting().rows === 0 && this.#silent().length === 0;
  }

  /** After {@link finish}, whether the devices whose rows are open were silent for so long that they are not waited for any more. */
  get isAbandoned(): boolean {
    return this.#bounds.sinceEnd(this.#eventTimes) > this.abandonAfterNs;
  }

  /** After {@link finish}, how long silent devices are waited for. */
  get abandonAfterNs(): number {
    return this.#steps.reachNs + this.#steps.silenceNs;
  }

  #silent(): readonly string[] {
    return this.#bounds.unfinished(this.#eventTimes, this.#steps.reachNs);
  }

  /**
   * Samples that came before another model took over: how many of them this one is done with, and how many wait for rows that are
   * still open. What came later is of the other model.
   */
  inherited(): { readonly consumed: number; readonly open: number } {
    const inherited = this.#inherited ?? 0;
    const waiting = this.#silent().reduce((sum, device) => sum + this.#chain.heldOf(device), this.#waitingSamples());
    const open = Math.min(inherited, waiting);
    return { consumed: inherited - open, open };
  }

  /** Samples that wait, over all steps; after {@link finish} those that waited then, until all that had begun is complete. */
  heldSamples(): number {
    return this.#inherited ?? this.held();
  }

  /** Samples that wait, over all steps. */
  held(): number {
    return this.#chain.held().reduce((sum, rows) => sum + rows, this.#waitingSamples());
  }

  /** Windows are done with their samples before they wait for facts. */
  #waitingSamples(): number {
    return this.#steps.chain.shape.windows ? 0 : this.waiting().rows;
  }

  /** Of these, those that wait for facts. */
  waiting(): { readonly rows: number; readonly bytes: number } {
    return { rows: this.#gate?.held() ?? 0, bytes: this.#gate?.heldBytes() ?? 0 };
  }

  /** Whether the steps decide by facts. */
  get needsFacts(): boolean {
    return this.#gate !== undefined;
  }

  /** Whether no row of these steps that may still come can rest on a fact; see {@link FactSession.isForgotten}. */
  isForgotten(subject: string, end: Time): boolean {
    return this.#gate?.isForgotten(subject, end) ?? true;
  }

  /** Forgets the rows that wait for facts: it is not known which of them were labelled before. How many. */
  forgetWaiting(): number {
    return this.#gate?.clear() ?? 0;
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    writer.number(this.#truths.length);
    for (const truth of this.#truths) writer.text(truth);
    this.#eventTimes.write(writer);
    this.#bounds.settle(this.#eventTimes, this.#steps.reachNs);
    this.#bounds.write(writer);
    writer.number(this.#inherited ?? -1);
    const chain = this.#chain.save();
    writer.number(chain.length);
    writer.raw(chain);
    if (this.#gate) writer.raw(this.#gate.save());
    return writer.finish();
  }

  /** @throws {RangeError} where the bytes are not what `save` of the same steps wrote */
  load(bytes: Uint8Array): void {
    const reader = new StateReader(bytes);
    const truths = Array.from({ length: reader.count(maxTruths) }, () => reader.text());
    const eventTimes = EventTimes.read(reader);
    const bounds = RowBounds.read(reader);
    const inherited = reader.number();
    this.#chain.load(reader.raw(reader.count(reader.left)));
    if (this.#gate) this.#gate.load(reader.raw(reader.left));
    else reader.end();
    this.#eventTimes = eventTimes;
    this.#bounds = bounds;
    this.#inherited = inherited < 0 ? undefined : inherited;
    this.#setTruths(truths);
  }

  #setTruths(truths: readonly string[]): void {
    this.#truths.splice(0, this.#truths.length, ...truths);
    this.#truthIndex.clear();
    for (const [index, truth] of truths.entries()) this.#truthIndex.set(truth, index);
  }

  #inputOf(readings: ReadingBatch): StepRows {
    const { count, timeTexts, blocks } = readings;
    const { values, width, times } = readings.rows();
    const columns = this.#columns;
    const sample = new Float64Array(columns.length);
    this.#input.begin();
    this.#received = [];
    let nextBlock = 0;
    for (let row = 0; row < count; ) {
      const block = blocks[nextBlock];
      if (block?.row === row) {
        const channels = columns.map((column) => columnOf(values, width, column, block));
        const record = this.#recordOf(readings, row, timeOf(times[row] ?? 0n));
        const sent = columns.map((column) => block.sent[column] ?? block.count);
        const ending = withEnd(record, readings, row + block.count - 1);
        this.#input.addSamples(ending, block.rate, block.count, channels, sent);
        nextBlock += 1;
        row += block.count;
        continue;
      }
      for (let channel = 0; channel < columns.length; channel++)
        sample[channel] = values[row * width + (columns[channel] ?? 0)] ?? Number.NaN;
      const record = this.#recordOf(readings, row, parseTime(timeTexts[row] ?? ''));
      this.#input.addSample(withEnd(record, readings, row), sample);
      row += 1;
    }
    return this.#input.rows();
  }

  #recordOf({ devices, received, truths }: ReadingBatch, row: number, time: Time): InputRecord {
    const arrived = received[row] ?? '';
    this.#received.push(arrived);
    const record = { device: devices[row] ?? '', time, truth: this.#indexOf(truths[row]) };
    // Only the check of times ahead asks when a record arrived.
    return this.#steps.chain.aheadNs === undefined ? record : { ...record, received: parseTime(arrived) };
  }

  #indexOf(truth: string | undefined): number {
    if (truth === undefined) return noTruth;
    const known = this.#truthIndex.get(truth);
    if (known !== undefined) return known;
    if (this.#truths.length >= maxTruths) return noTruth;
    this.#truthIndex.set(truth, this.#truths.length);
    return this.#truths.push(truth) - 1;
  }

  #originsOf({ rows }: ChainResult, own: Rows, kept: readonly number[]): RowOrigins {
    const { windows } = rows;
    const received = this.#received;
    const origins = {
      count: own.count,
      devices: own.devices,
      timeTexts: kept.map((row) => formatTime(rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0)),
      received: kept.map((row) => received[rows.inputs[row] ?? 0] ?? ''),
      truths: kept.map((row) => this.#truths[rows.truths[row] ?? noTruth]),
      gapsByRow: gapsOf(own),
    };
    if (!windows) return origins;
    return {
      ...origins,
      windows: {
        from: kept.map((row) => formatTime(windows.fromSeconds[row] ?? 0, windows.fromNanoseconds[row] ?? 0)),
        samples: kept.map((row) => windows.samples[row] ?? 0),
        missing: kept.map((row) => windows.missing[row] ?? 0),
      },
    };
  }
}

/** A record, and how it ends its segment where its last row does. */
function withEnd(record: InputRecord, { ends }: ReadingBatch, row: number): InputRecord {
  const segment = ends.get(row);
  return segment === undefined ? record : { ...record, segment };
}

const nothingReleased: FactResult = {
  rows: { count: 0, values: new Float64Array(0), devices: [], seconds: [], nanoseconds: [], notes: [], facts: [] },
  skippedBy: new Map(),
  missedBy: new Map(),
  commutes: true,
  committed() {},
};

/** The samples of a block in one column of a reading. */
function columnOf(values: Float64Array, width: number, column: number, { row, count }: SampleBlock): Float64Array {
  const samples = new Float64Array(count);
  for (let sample = 0, at = row * width + column; sample < count; sample++, at += width)
    samples[sample] = values[at] ?? Number.NaN;
  return samples;
}

/** Columns as rows; `kept` says which of the rows are some to be labelled. */
function rowsOf(
  given: StepRows,
  isOwn: ((row: number) => boolean) | undefined,
): { readonly rows: Rows; readonly kept: readonly number[] } {
  const { count, names, devices, seconds, nanoseconds, columns, segments } = given;
  const kept: number[] = [];
  for (let row = 0; row < count; row++) if (segments[row] !== onlyEndsSegment && (!isOwn || isOwn(row))) kept.push(row);
  const width = columns.length;
  const values = new Float64Array(kept.length * width);
  for (const [column, from] of columns.entries())
    for (let to = 0; to < kept.length; to++) values[to * width + column] = from[kept[to] ?? 0] ?? Number.NaN;
  const rows = {
    count: kept.length,
    width,
    values,
    devices: kept.map((row) => names[devices[row] ?? 0] ?? ''),
    times: timesOf(seconds, nanoseconds, kept),
  };
  return { rows, kept };
}

/** Nanoseconds since the epoch, of these rows or of all. */
function timesOf(seconds: ArrayLike<number>, nanoseconds: ArrayLike<number>, kept?: readonly number[]): BigInt64Array {
  const count = kept?.length ?? seconds.length;
  const times = new BigInt64Array(count);
  for (let at = 0; at < count; at++) {
    const row = kept?.[at] ?? at;
    times[at] = nsOf(seconds[row] ?? 0, nanoseconds[row] ?? 0);
  }
  return times;
}

function gapsOf({ count, width, values }: Rows): number[] {
  return Array.from({ length: count }, (_, row) => {
    let gaps = 0;
    for (let at = row * width; at < (row + 1) * width; at++) if (Number.isNaN(values[at])) gaps += 1;
    return gaps;
  });
}

/** Samples by what became of them in one batch, over all steps. */
export interface StepCounts {
  /** By reason: rows that a step left out, and rows that were lost with the state of silent devices. */
  readonly skippedBy: ReadonlyMap<string, number>;
  /** Samples that a window took and is done with; without a window, rows that the last step gave; and those whose values were added to another. */
  readonly consumed: number;
  readonly duplicates: number;
  readonly mixed: number;
  /** By kind of fact, the rows that waited for one in vain; they are among those skipped. */
  readonly missedBy: ReadonlyMap<string, number>;
}

/** The reason of a skip: more devices than a session remembers, so the samples of one that was silent long were dropped. */
const forgottenDevice = 'forgotten-device';

export function countSteps({ outcomes, gated }: Pick<PreparedRows, 'outcomes' | 'gated'>): StepCounts {
  const skippedBy = new Map(gated?.skippedBy);
  const skip = (reason: string, count: number) => skippedBy.set(reason, (skippedBy.get(reason) ?? 0) + count);
  let duplicates = 0;
  let mixed = 0;
  let merged = 0;
  for (const { skips, counts } of outcomes) {
    for (const reason of skips.reasons) skip(reason, 1);
    if (counts.evicted > 0) skip(forgottenDevice, counts.evicted);
    duplicates += counts.duplicates;
    mixed += counts.mixed;
    merged += counts.merged;
  }
  const last = outcomes.find(({ use }) => use === 'window') ?? outcomes.at(-1);
  // Windows are done with their samples before they wait for facts.
  const isGatedAlone = gated && last?.use !== 'window';
  const consumed = isGatedAlone ? gated.passed : (last?.counts.consumed ?? 0);
  return { skippedBy, duplicates, mixed, consumed: consumed + merged, missedBy: gated?.missedBy ?? new Map() };
}
