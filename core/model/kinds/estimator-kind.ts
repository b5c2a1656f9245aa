import type { z } from 'zod';
import type { Estimator } from './estimator.ts';
import type { OnnxRuntime } from './onnx.ts';

/** What an estimator is opened with, beside its own part of `model.json`. */
export interface EstimatorContext {
  /** The columns of a row in order: the fields, and the missing indicators where the model has these. */
  readonly columns: readonly string[];
  readonly classes: readonly string[];
  /**
   * A file of the artifact.
   * @throws {GaplineError} `model-invalid` where it is missing
   */
  bytes(file: string): Uint8Array;
  /** A file of gzipped JSON. */
  json(file: string): Promise<unknown>;
  /** Default: the package onnxruntime-node. */
  readonly onnxRuntime?: () => Promise<OnnxRuntime>;
}

/** A kind of estimator: how it stands in `model.json`, and how it is opened. */
export interface EstimatorKind<Schema extends z.ZodType<{ kind: string }>> {
  readonly schema: Schema;
  open(estimator: z.output<Schema>, context: EstimatorContext): Estimator | Promise<Estimator>;
}

/** Declares a kind with the types of its parts. */
export const estimatorKind = <Schema extends z.ZodType<{ kind: string }>>(
  kind: EstimatorKind<Schema>,
): EstimatorKind<Schema> => kind;
