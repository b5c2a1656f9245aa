import type { LibraryForest } from '../core/model/forest/library-json.ts';
import type { Manifest } from '../core/model/manifest.ts';
import type { Model } from '../core/model/model.ts';
import { openArtifact } from '../core/model/open.ts';
import { type FitInput, fitModel } from './fit.ts';

/** The name of the forest's file in an artifact. */
export const forestFile = 'forest.json.gz';

export interface TrialInput extends Omit<FitInput, 'classes'> {
  readonly fields: readonly string[];
  readonly classes: readonly string[];
}

/** A model that was fitted and is at work, before anything is written. */
export interface Trial {
  readonly model: Model;
  readonly forest: LibraryForest;
  readonly parts: Pick<Manifest, 'fields' | 'classes' | 'imputer' | 'indicators' | 'maxGaps' | 'estimator'>;
}

/** Fits a model and puts it to work from the form in which it is written, so that what is scored is what will serve. */
export async function fitTrial({ fields, classes, ...input }: TrialInput): Promise<Trial> {
  const { indicators, maxGaps } = input.options;
  const { imputer, engine, voting, forest } = await fitModel({ ...input, classes: classes.length });
  const parts: Trial['parts'] = {
    fields: [...fields],
    classes: [...classes],
    imputer,
    ...(indicators && { indicators }),
    ...(maxGaps !== undefined && { maxGaps }),
    estimator: { kind: 'forest', file: forestFile, engine, voting },
  };
  return { model: await openArtifact({ parts, json: forest }), forest, parts };
}
