import type { Model } from '../core/model/model.ts';
import type { Registry } from '../core/model/registry/port.ts';

/** Where `gapline serve` serves the model of a stream, as stream.yaml and the environment have it. */
export interface ServeAddress {
  readonly url: string;
  readonly token?: string;
  /** The name that the model has there. */
  readonly model: string;
}

/** Rows with their truth, row-major. */
export interface TestRows {
  readonly count: number;
  readonly width: number;
  /** `count * width`; NaN is a gap. */
  readonly values: Float64Array;
  readonly classes: readonly string[];
  /** Index into `classes` by row; -1 where the row has no truth. */
  readonly labels: Int32Array;
}

/** Where a generator is controlled, as stream.yaml and the environment have it. */
export interface GeneratorAddress {
  readonly url: string;
  readonly token?: string;
}

/** A stream as the gateway sees it. */
export interface GatewayStream {
  readonly name: string;
  /** The control endpoint of its generator, where it has one. Never named by a request. */
  readonly generator?: GeneratorAddress;
  /** What labels rows in place of the gateway itself, where it is named. Never named by a request. */
  readonly serve?: ServeAddress;
  readonly models: Registry;
  /**
   * The rows of the data to test with, as the model takes them.
   * @throws {GaplineError} where the stream names no data
   */
  testRows(model: Model): Promise<TestRows>;
  /** Whether these rows are others than those that models learn from, so that figures on them compare versions. */
  readonly testIsApart: boolean;
  /**
   * Looks whether options of the training go together with those of the stream.
   * @throws {GaplineError} `config-invalid`
   */
  checkTraining(hyperparameters: Readonly<Record<string, unknown>>): void;
}
