import type { SeriesShape } from '../core/model/series/shape.ts';
import type { TrainingOptions } from './options.ts';
import type { LabelledRows } from './rows.ts';

export interface FitInput {
  readonly rows: LabelledRows;
  readonly classes: number;
  /** How the samples of a window lie in a row. Default: a row is one channel. */
  readonly series?: SeriesShape;
  readonly options: TrainingOptions;
  /** How copies are masked. Default: each value by itself, with the same probability. */
  readonly maskCopy?: (rows: LabelledRows, rate: number, seed: number) => LabelledRows;
  /** Whether to score a forest on the rows that its trees did not see. Not with several copies: a row is then in the bag by another of its copies. */
  readonly outOfBag?: boolean;
  /** Threads that grow trees. Default: as the trainer sees fit. */
  readonly threads?: number;
  readonly onProgress?: (progress: FitProgress) => void;
  /** Once it is true the fit is brought to its end with what was learnt until then: fewer trees, fewer steps. Not with the library. */
  readonly isTimeUp?: (() => boolean) | undefined;
}

export interface FitProgress {
  /**
   * Trees that were grown, or gradient steps of the learned metric; of whole series kernels that have their biases or shapelets that were
   * cut, windows that became features, and parts of the ridge classifier. Each grows to `all`, one after the other.
   */
  readonly of: 'trees' | 'steps' | 'kernels' | 'shapelets' | 'windows' | 'ridge parts';
  readonly done: number;
  readonly all: number;
}
