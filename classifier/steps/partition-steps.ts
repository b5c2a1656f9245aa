import type { ModelSteps } from '../../core/model/steps.ts';
import type { ChainSession, StepOutcome } from '../../core/steps/chain.ts';
import type { FactResult, FactSession } from '../../core/steps/facts/session.ts';
import { FactTable } from '../../core/steps/facts/table.ts';
import { onlyEndsSegment } from '../../core/steps/port.ts';
import { valuesAt } from '../../core/steps/row-values.ts';
import { StateReader, StateWriter } from '../../core/steps/state.ts';
import { compare, type Time } from '../../core/steps/time.ts';
import type { Fact } from '../../core/wire/fact.ts';
import type { ReadingBatch } from '../decode.ts';
import type { PreparedRows } from '../prepared-rows.ts';
import { EventTimes, timesOf } from './event-times.ts';
import { coveredRowsOf, noteOf, originsOf, rowsOf } from './labelled-rows.ts';
import { RowBounds } from './row-bounds.ts';
import { readTruths, StepInput } from './step-input.ts';

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
  readonly #input: StepInput;

  /**
   * @param columns - by channel of the steps, its column in the stream
   * @param facts - the committed facts of the partition, which others change
   */
  constructor(steps: ModelSteps, columns: readonly number[], facts?: FactTable) {
    const { chain, signature } = steps;
    this.#steps = steps;
    this.signature = signature;
    this.#chain = chain.open();
    this.#gate = chain.facts?.open();
    this.#width = chain.shape.channels.length;
    this.#facts = facts ?? new FactTable();
    this.#input = new StepInput(columns, { asksArrival: chain.aheadNs !== undefined, takesValues: chain.takesValues });
  }

  /** Pure but for `committed` of what it returns, which is valid until the next call. */
  apply(readings: ReadingBatch): PreparedRows {
    const input = this.#input.of(readings);
    const result = this.#chain.apply(input);
    const times = timesOf(input, result);
    if (result.isCut) this.#input.release();
    const bounds = this.#bounds;
    const labelled = rowsOf(result.rows, bounds.areOpen ? undefined : (row) => bounds.includes(result.rows, row));
    const { rows, kept } = labelled;
    const committed = () => {
      this.#eventTimes.advance(times);
      result.committed();
    };
    const { outcomes } = result;
    if (!this.#gate) return { rows, origins: originsOf(result.rows, rows, kept, this.#input), outcomes, committed };
    const { seconds, nanoseconds } = result.rows;
    const chainRows = {
      ...rows,
      seconds: kept.map((row) => seconds[row] ?? 0),
      nanoseconds: kept.map((row) => nanoseconds[row] ?? 0),
    };
    const gated = this.#gate.apply(chainRows, this.#facts, (at) => noteOf(result.rows, kept[at] ?? 0, this.#input));
    // Where all are covered, their times are those of the rows that came.
    const known = gated.rows.count === rows.count ? rows.times : undefined;
    return this.#coveredOf(gated, outcomes, committed, { times: known });
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
    const { rows } = this.#chain.apply(this.#input.emptyAt(device, time));
    for (let row = rows.count - 1; row >= 0; row--) {
      if (rows.windows || rows.segments[row] === onlyEndsSegment) continue;
      if (compare(rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0, time.seconds, time.nanoseconds) !== 0) continue;
      return valuesAt(rows, row);
    }
    return undefined;
  }

  /** From now on this is the table of facts: that of the partition in which the session begins to work. */
  useFacts(facts: FactTable): void {
    this.#facts = facts;
  }

  #coveredOf(
    { rows, skippedBy, missedBy, commutes, committed: commitGate }: FactResult,
    outcomes: readonly StepOutcome[],
    committed: () => void,
    known: Parameters<typeof coveredRowsOf>[2],
  ): PreparedRows {
    return {
      ...coveredRowsOf(rows, this.#width, known),
      outcomes,
      gated: { passed: rows.count, skippedBy, missedBy, commutes },
      committed() {
        committed();
        commitGate();
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
    this.#input.useTruthsOf(before.#input);
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
    this.#input.writeTruths(writer);
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
    const truths = readTruths(reader);
    const eventTimes = EventTimes.read(reader);
    const bounds = RowBounds.read(reader);
    const inherited = reader.number();
    this.#chain.load(reader.raw(reader.count(reader.left)));
    if (this.#gate) this.#gate.load(reader.raw(reader.left));
    else reader.end();
    this.#eventTimes = eventTimes;
    this.#bounds = bounds;
    this.#inherited = inherited < 0 ? undefined : inherited;
    this.#input.useTruths(truths);
  }
}

const nothingReleased: FactResult = {
  rows: { count: 0, values: new Float64Array(0), devices: [], seconds: [], nanoseconds: [], notes: [], facts: [] },
  skippedBy: new Map(),
  missedBy: new Map(),
  commutes: true,
  committed() {},
};
