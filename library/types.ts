/** One row to be labelled, as a reading is: values by name, `null`, `undefined` or absence for a gap. */
export interface Row {
  readonly values: Readonly<Record<string, number | null | undefined>>;
  /** For imputers that remember the last values of a device. Default: a device of its own. */
  readonly device?: string | undefined;
  /** Nanoseconds since the epoch as a decimal string, or RFC 3339. Only `imputer: last` looks at it. Default: the epoch. */
  readonly time?: string | undefined;
}

/** What the model predicts for one row. */
export interface Prediction {
  /** One of the classes, or `unknown` where the row has more gaps than the model takes. */
  readonly label: string;
  /** Of that label, from 0 to 1. */
  readonly probability: number;
  /** By class; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** How many values of the row were missing. */
  readonly gaps: number;
  /** The values that stand in place of the gaps, by name. Empty for models that take gaps as they are. */
  readonly filled: Readonly<Record<string, number>>;
}

/** A model version, loaded. */
export interface LoadedModel {
  readonly name: string;
  readonly version: number;
  /** The names of the values, in the order of the model's columns. */
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  /**
   * Labels rows, one prediction for each row and in their order. An imputer that remembers takes them into account for later calls.
   * @throws {TypeError} naming the row: a value that is no finite number, a name that the model does not know, a time that is none
   */
  predict(rows: readonly Row[]): Promise<Prediction[]>;
  /** Frees memory, threads and connections; the model cannot be used after it. */
  close(): Promise<void>;
}

export interface LoadModelOptions {
  /** Of the folder of a model: a number or an alias. Default: what `champion` names, else the highest. */
  readonly version?: number | string | undefined;
}
