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

/** Rows of a batch as a model takes them: one a reading, or what its steps make of the readings. */
export interface PreparedRows {
  /** In the model's own columns. */
  readonly rows: Rows;
  readonly origins: RowOrigins;
  /** What became of the readings at each step; empty without steps. */
  readonly outcomes: readonly StepOutcome[];
  /** Changes the state of the steps. To be called once, when the batch is committed. */
  committed(): void;
}
