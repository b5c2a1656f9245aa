/** From reading `from` on, times grow by `spacingNs` a step from `atNs` on. */
interface Segment {
  readonly from: number;
  /** Nanoseconds since the epoch, as a decimal string. */
  readonly atNs: string;
  readonly spacingNs: number;
}

/** From reading `from` on, values are masked at this rate. */
interface GapRate {
  readonly from: number;
  readonly rate: number;
}

/** What decides the times and gap rates of a stream, as the progress file keeps it. */
export interface ScheduleState {
  readonly segments: readonly Segment[];
  readonly gapRates: readonly GapRate[];
}

/**
 * When each reading of a stream is made and with which gap rate. Both are functions of the reading's index, so that a reading made a
 * second time is the same; changes hold from an index on and are kept.
 */
export class Schedule {
  readonly #step: (index: number) => number;
  #segments: Segment[];
  #gapRates: GapRate[];

  /** @param step - as {@link ./source.ts Source.step} */
  constructor(state: ScheduleState, step: (index: number) => number) {
    this.#segments = [...state.segments];
    this.#gapRates = [...state.gapRates];
    this.#step = step;
  }

  state(): ScheduleState {
    return { segments: this.#segments, gapRates: this.#gapRates };
  }

  /** In nanoseconds since the epoch; grows with the index. */
  timeNs(index: number): bigint {
    const { from, atNs, spacingNs } = holding(this.#segments, index);
    return BigInt(atNs) + BigInt(Math.round((this.#step(index) - this.#step(from)) * spacingNs));
  }

  gapRate(index: number): number {
    return holding(this.#gapRates, index).rate;
  }

  /** Times continue from here with another spacing: at `earliestNs`, or one spacing after the reading before, if that is later. */
  continueAt(from: number, earliestNs: bigint, spacingNs: number): void {
    const next = this.timeNs(from - 1) + BigInt(Math.ceil(spacingNs));
    const atNs = String(next > earliestNs ? next : earliestNs);
    this.#segments = [...this.#segments.filter((segment) => segment.from < from), { from, atNs, spacingNs }];
  }

  setGapRate(from: number, rate: number): void {
    if (this.gapRate(from) === rate) return;
    this.#gapRates = [...this.#gapRates.filter((change) => change.from < from), { from, rate }];
  }

  /** Forgets the times of readings before one, and the gap rates of those before another. */
  forget({ timesBefore, gapRatesBefore }: { timesBefore: number; gapRatesBefore: number }): void {
    this.#segments = this.#segments.slice(this.#segments.indexOf(holding(this.#segments, timesBefore)));
    this.#gapRates = this.#gapRates.slice(this.#gapRates.indexOf(holding(this.#gapRates, gapRatesBefore)));
  }
}

/** The last entry that begins at or before an index. */
function holding<Entry extends { readonly from: number }>(entries: readonly Entry[], index: number): Entry {
  for (let at = entries.length - 1; at >= 0; at--) {
    const entry = entries[at];
    if (entry && (at === 0 || entry.from <= index)) return entry;
  }
  throw new RangeError('a schedule needs at least one entry');
}
