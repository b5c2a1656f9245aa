import type { Rows } from '../core/model/rows.ts';
import type { StepOutcome } from '../core/steps/chain.ts';

/** What predictions repeat of the readings that rows were made of, by row. */
export interface RowOrigins {
  readonly count: number;
  readonly devices: readonly string[];
  /** Nanoseconds since the epoch, decimal; of a window, its end. */
  readonly timeTexts: readonly string[];
  /** When the collector took the reading that completed the row. */
  readonly received: readonly string[];
  readonly truths: readonly (string | undefined)[];
  /** Of rows that waited for a fact: how long that took says nothing of the line. */
  readonly waited?: boolean;
  /** Where facts decide: the kinds of those that the row rests on and when each begins, as JSON. */
  readonly restsOn?: readonly string[];
  /** Values that are missing in the row. */
  readonly gapsByRow: readonly number[];
  /** Where the rows are windows. */
  readonly windows?: {
    /** Where it begins, as `timeTexts`. */
    readonly from: readonly string[];
    readonly samples: readonly number[];
    readonly missing: readonly number[];
  };
}

/** Rows at the steps that decide by facts. */
export interface FactCounts {
  /** Rows that proceeded. */
  readonly passed: number;
  readonly skippedBy: ReadonlyMap<string, number>;
  /** By kind of fact, the rows that waited for one in vain. */
  readonly missedBy: ReadonlyMap<string, number>;
  /** See `FactResult.commutes`. */
  readonly commutes: boolean;
}

/** Rows of a batch as a model takes them: one a reading, or what its steps make of the readings. */
export interface PreparedRows {
  /** In the model's own columns. */
  readonly rows: Rows;
  readonly origins: RowOrigins;
  /** What became of the readings at each step; empty without steps. */
  readonly outcomes: readonly StepOutcome[];
  /** What became of rows at the steps that decide by facts; undefined where there are none. */
  readonly gated?: FactCounts;
  /** Changes the state of the steps. To be called once, when the batch is committed. */
  committed(): void;
}
