import type { Time } from './time.ts';

/**
 * Rows on their way to the imputer, by column, or row after row. Every array but `values` is at least `count` long; what stands behind
 * that is of no meaning.
 *
 * A time is two numbers, so that it is exact and no `bigint` is made for each sample: whole seconds since the Unix epoch (rounded
 * down, also before 1970) and the nanoseconds within that second.
 */
export interface StepRows {
  readonly count: number;
  /** The devices of this batch, each once. */
  readonly names: readonly string[];
  /** By row, an index into `names`. */
  readonly devices: Int32Array;
  readonly seconds: Float64Array;
  /** 0 to 999,999,999. */
  readonly nanoseconds: Int32Array;
  /** By channel and row; NaN is a gap. */
  readonly columns: readonly Float64Array[];
  /**
   * Row after row, in place of `columns`, which is empty then: from `series`, or for a step that {@link Step.takesValues}. As long as the
   * rows are.
   */
  readonly values?: Float64Array;
  /** By row, an index into the list of classes that the caller keeps for the life of a session; {@link noTruth} where unknown. */
  readonly truths: Int32Array;
  /** By row, the index of the input record that completed it: never smaller than that of the row before. */
  readonly inputs: Int32Array;
  /** By row, whether it ends a segment: {@link inSegment}, {@link endsSegment} or {@link onlyEndsSegment}. */
  readonly segments: Uint8Array;
  /** By row, how many of its gaps are no missing values: the arrays of its record had ended before. */
  readonly unsent: Int32Array;
  /** By input, when the collector took it. Absent where rows come from a table. */
  readonly received?: Received;
  /** By device, its largest time. Present where rows come from records, before the first step. */
  readonly latest?: readonly Time[];
  /** What the rows were cut from, once a window has been at work: one window a row. */
  readonly windows?: Windows;
}

/** When the collector took records, by input. */
export interface Received {
  readonly seconds: Float64Array;
  readonly nanoseconds: Int32Array;
  /** How far the last sample of a record is ahead of that, in nanoseconds, at most over all records. */
  readonly leadNs: number;
}

export const noTruth = -1;

/** An ordinary row. */
export const inSegment = 0;
/**
 * The last row of a segment that is whole with it: windows close, filters may restart. An end that comes behind samples of a later time
 * ends nothing: the record may have been sent twice, and the next segment have begun.
 */
export const endsSegment = 1;
/** Not a sample: only says that the segment is whole at this time. Its values are NaN. */
export const onlyEndsSegment = 2;

/** The samples of windows, one after the other; those of row r are at `starts[r]` up to `starts[r + 1]`, by time. */
export interface Windows {
  readonly starts: Int32Array;
  readonly columns: readonly Float64Array[];
  readonly seconds: Float64Array;
  readonly nanoseconds: Int32Array;
  /** By row, where its window begins; it ends at the row's own time. */
  readonly fromSeconds: Float64Array;
  readonly fromNanoseconds: Int32Array;
  /** By row: how many times were sampled. */
  readonly samples: Int32Array;
  /**
   * By row: values that are missing, over all channels; what an array of its record lacks at its end is none. With a known rate samples
   * that never came count as well, with as many values as those of the window had on average.
   */
  readonly missing: Int32Array;
}

/** Why a step left a row out. `full`: a buffer has reached its bound. */
export const skipReasons = ['late', 'ahead', 'full'] as const;
export type SkipReason = (typeof skipReasons)[number];

/** Rows that a step left out, by column; plain arrays, for skips are rare. */
export interface Skips {
  readonly inputs: readonly number[];
  readonly devices: readonly number[];
  readonly seconds: readonly number[];
  readonly nanoseconds: readonly number[];
  readonly reasons: readonly SkipReason[];
}

/** What became of rows that came in. Over any number of batches: in = consumed + merged + duplicates + skips + evicted + held. */
export interface Counts {
  /** Rows that left the state: passed on, or done with. */
  readonly consumed: number;
  /** Rows that another one of the same device and time replaced. */
  readonly duplicates: number;
  /** Rows whose values were added to another one of the same device and time. */
  readonly merged: number;
  /** Rows lost with the state of devices that were silent longest, when there were more devices than a session may hold. */
  readonly evicted: number;
  /** Windows whose samples did not agree on the truth. */
  readonly mixed: number;
}

export interface StepResult {
  /** Valid until the next `apply` of the session. */
  readonly rows: StepRows;
  readonly skips: Skips;
  readonly counts: Counts;
  /**
   * Takes over the change of state. Call it once the outputs are durable, never before; until then the session is as if
   * `apply` had not been called. Throws where another `apply` came between.
   */
  committed(): void;
}

/**
 * A step at work on one partition. Deterministic: the same rows from the same state give the same bits, however they are cut into
 * batches. It looks at no clock; a device's event time is the largest time seen of it.
 */
export interface StepSession {
  apply(rows: StepRows): StepResult;
  /** Nobody looks at the rows of the latest `apply` any more: their arrays may be used elsewhere. Changes no state. */
  release?(): void;
  /** As {@link release}, but only of the samples of {@link Windows}, not of what is known by window. */
  releaseSamples?(): void;
  /** Rows that wait in the committed state. */
  held(): number;
  /** Of these, those of one device. */
  heldOf?(device: string): number;
  /** The committed state, exact, in a form that `load` of the same step with the same parameters reads. */
  save(): Uint8Array;
  /** Replaces the state. Throws where the bytes are not what `save` wrote. */
  load(state: Uint8Array): void;
}

/** What is known of rows before any arrive. */
export interface Shape {
  /** Names of the columns of {@link StepRows}. */
  readonly channels: readonly string[];
  /** Samples a second, where they lie on a regular grid. */
  readonly rate?: number;
  /** Present once a window has been at work. */
  readonly windows?: {
    readonly channels: readonly string[];
    readonly lengthNs: number;
    /** From one start to the next, from the epoch on. */
    readonly everyNs: number;
  };
  /** Present where a row is the samples of its window or segment, channel after channel. */
  readonly series?: { readonly channels: readonly string[]; readonly length: number };
  /** Columns that a filter ran along, by the first: the samples of one channel each. */
  readonly rowRuns?: readonly { readonly first: number; readonly length: number }[];
}

/** A step with its parameters, fitted to the rows that it will be given. */
export interface Step {
  /** The rows that it gives. */
  readonly shape: Shape;
  /** Whether it looks at one row alone, and not at its time. Default: no. */
  readonly byRow?: boolean;
  /** Whether it takes rows by `values` as well as by `columns`, and gives them as it takes them. Default: no. */
  readonly takesValues?: boolean;
  open(): StepSession;
}
