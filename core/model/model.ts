import type { Promotion } from '../wire/promotion.ts';
import type { FieldHistogram } from './histogram-schema.ts';
import type { Memory } from './impute/memory.ts';
import type { Rows } from './rows.ts';
import type { DecidingShapelet } from './series/deciding.ts';
import type { ModelSteps } from './steps.ts';

/** What a model predicts for rows. The arrays belong to the caller. */
export interface ModelOutput {
  /** Index of the class by row, -1 where the model made no prediction. */
  readonly labels: Int32Array;
  /** `count * classes`, row-major; each row sums to one. */
  readonly probabilities: Float64Array;
  /** `count * width`: the rows as the estimator saw them. Still NaN where a kind takes gaps itself. */
  readonly filled: Float64Array;
  /** By row, how much the prediction depends on what was filled (0 to 1), for kinds that compute it. */
  readonly sensitivity?: Float64Array;
  /** By row, how far the models of an ensemble part (0 to 1), for kinds that are one. */
  readonly spread?: Float64Array;
  /** By row, the piece of a series that spoke most for the label, for kinds that compare such pieces. */
  readonly decided?: readonly (DecidingShapelet | undefined)[];
  /** Remembers these rows. Call it once they are committed, never before. */
  readonly committed?: () => void;
}

/**
 * A model in use for one partition. Sessions of stateless models are all alike; an imputer that remembers keeps its memory here.
 * `predict` is pure but for `committed`: the same rows give the same output until then.
 */
export interface Session {
  /**
   * @param into - of `count * width`, where `filled` may be written; what stands there is of no meaning. Default: an array of its own
   */
  predict(rows: Rows, into?: Float64Array): ModelOutput | Promise<ModelOutput>;
  /** Remembers rows of the past without labelling them, oldest first. */
  warm(rows: Rows): void;
  /** What it remembers, to be kept and given back; absent where it remembers nothing. */
  readonly memory?: Memory;
}

export interface ModelIdentity {
  readonly name: string;
  readonly version: number;
}

/** A model version, loaded. */
export interface Model {
  readonly identity: ModelIdentity;
  /** What makes its rows of readings; absent where a reading is a row. */
  readonly steps?: ModelSteps;
  /** The columns of a row, in order. */
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  /** Where a row is the samples of a window, channel after channel. */
  readonly series?: { readonly channels: readonly string[]; readonly length: number };
  /** By field, of a series by channel: how the training data was spread, where that is known. */
  readonly histograms?: readonly FieldHistogram[];
  /** How far back a session wants to be warmed where its memory was not kept, in milliseconds; 0 for models that remember nothing. */
  readonly memoryMs: number;
  open(): Session;
  /** Frees threads, connections, native memory. */
  close(): Promise<void>;
}

/** What a watch needs to know of the version that serves. */
export type Serving = Pick<Model, 'identity' | 'fields' | 'classes' | 'steps'>;

/** The values of a reading that a model needs. */
export const readingFields = ({ fields, steps }: Pick<Model, 'fields' | 'steps'>): readonly string[] =>
  steps?.channels ?? fields;

/** What a {@link ModelSource} calls while it is watched. Neither may throw. */
export interface ModelWatcher {
  /** Another version is to serve: loaded, checked and warmed. Whoever watches closes the version before. */
  onChange(model: Model): void;
  /** Another version was to serve but was refused; the present one continues to serve. Called once for each cause. */
  onRefused(error: unknown): void;
  /** The registry does not respond, and why; undefined once it does again. The present version serves meanwhile. */
  onRegistry?(error: unknown): void;
  /** The last changes of the version that serves, oldest first: at the start, and with each change. */
  onHistory?(promotions: readonly Promotion[]): void;
}

/** Where a stage gets the version that serves, and hears when that changes. */
export interface ModelSource {
  /**
   * Loads the version that serves now. The caller closes it.
   * @throws {GaplineError} `model-missing` where there is none, `model-invalid` where it is refused, with the reason.
   */
  current(): Promise<Model>;
  /**
   * Looks for a change at least every second until `stop` is called. `serving` is what the watcher has already; a version with other
   * fields or classes is refused. Nothing is called after `stop` resolved. Absent where versions never change.
   */
  watch?(serving: Serving, watcher: ModelWatcher): { stop(): Promise<void> };
  /**
   * Loads another version of the same model. The caller closes it. Absent where there is one only.
   * @throws {GaplineError} as `current`
   */
  load?(version: number): Promise<Model>;
}
