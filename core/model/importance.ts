import type { Artifact } from './artifact.ts';
import { readForestFile } from './forest/forest-file.ts';
import { importanceByField, impurityImportance } from './forest/importance.ts';
import type { Manifest } from './manifest.ts';
import { fileOf, unpackJson } from './open.ts';

/** The parts of an artifact that the importance is read from. */
export interface Estimating {
  readonly manifest: Pick<Manifest, 'importance' | 'estimator' | 'fields' | 'classes' | 'indicators'>;
  readonly files: Artifact['files'];
}

/**
 * By field, summing to one: how much of the impurity the splits on it take away. Versions that did not write it down are
 * read for it.
 * @returns undefined where the estimator has no trees, or the trees hold no gains, as those of ONNX do not
 * @throws {GaplineError} `model-invalid` where the estimator's file cannot be read
 */
export async function impurityByField({ manifest, files }: Estimating): Promise<readonly number[] | undefined> {
  const { importance, estimator, fields, classes, indicators } = manifest;
  if (importance) return importance;
  if (estimator.kind !== 'forest' || estimator.file.endsWith('.onnx')) return undefined;
  const json = await unpackJson(estimator.file, fileOf(files, estimator.file));
  const shape = { width: fields.length * (indicators ? 2 : 1), classes: classes.length };
  const byField = importanceByField(impurityImportance(readForestFile(json, shape)), fields.length);
  return byField.some((share) => share > 0) ? byField : undefined;
}
