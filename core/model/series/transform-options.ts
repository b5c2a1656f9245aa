/** Told how many of all are done, now and then. */
export type OnDone = (done: number, all: number) => void;

/** How windows are turned into features. */
export interface TransformOptions {
  /** Where the features go, and what is returned. Default: an array of their own. */
  readonly into?: Float32Array | undefined;
  readonly onWindow?: OnDone | undefined;
}
