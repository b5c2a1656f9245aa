import { boostedName } from '../core/model/forest/boosted-json.ts';
import type { Manifest, Metrics } from '../core/model/manifest.ts';
import type { Model } from '../core/model/model.ts';
import { openArtifact } from '../core/model/open.ts';
import { type FitInput, type Fitted, fitModel } from './fit.ts';

/** The names of an estimator's file in an artifact. */
const forestFile = 'forest.json.gz';
const boostedFile = 'boosted.json.gz';

export interface TrialInput extends Omit<FitInput, 'classes'> {
  readonly fields: readonly string[];
  readonly classes: readonly string[];
}

/** A model that was fitted and is at work, before anything is written. */
export interface Trial {
  readonly model: Model;
  readonly forest: Fitted['forest'];
  readonly outOfBag?: Metrics['outOfBag'];
  /** Under which name the forest belongs into the artifact. */
  readonly file: string;
  readonly parts: Pick<
    Manifest,
    'fields' | 'classes' | 'imputer' | 'indicators' | 'maxGaps' | 'estimator' | 'importance'
  >;
}

/** Fits a model and puts it to work from the form in which it is written, so that what is scored is what will serve. */
export async function fitTrial({ fields, classes, ...input }: TrialInput): Promise<Trial> {
  const { indicators, maxGaps } = input.options;
  const { imputer, engine, voting, forest, importance, outOfBag } = await fitModel({
    ...input,
    classes: classes.length,
  });
  const file = forest.name === boostedName ? boostedFile : forestFile;
  const parts: Trial['parts'] = {
    fields: [...fields],
    classes: [...classes],
    imputer,
    ...(indicators && { indicators }),
    ...(maxGaps !== undefined && { maxGaps }),
    estimator: { kind: 'forest', file, engine, voting },
    ...(importance && { importance }),
  };
  return { model: await openArtifact({ parts, json: forest }), forest, file, parts, ...(outOfBag && { outOfBag }) };
}
