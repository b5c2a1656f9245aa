import { boostedName } from '../core/model/forest/boosted-json.ts';
import type { Manifest, Metrics } from '../core/model/manifest.ts';
import type { Model } from '../core/model/model.ts';
import { openArtifact } from '../core/model/open.ts';
import { stepsSchema } from '../core/steps/registry.ts';
import { type FitInput, fitModel } from './fit.ts';
import type { Preparation } from './prepare.ts';

/** The names of an estimator's file in an artifact. */
const forestFile = 'forest.json.gz';
const boostedFile = 'boosted.json.gz';
const neighboursFile = 'neighbours.json.gz';

export interface CandidateInput extends Omit<FitInput, 'classes'> {
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  /** The steps that made the rows, if steps did; they become part of the model. */
  readonly preparation?: Preparation;
}

/** A model that was fitted and opened, before anything is written. */
export interface FittedCandidate {
  readonly model: Model;
  readonly outOfBag?: Metrics['outOfBag'];
  /** What belongs into the artifact, by name, before it is packed. */
  readonly unpacked: ReadonlyMap<string, unknown>;
  readonly parts: Pick<
    Manifest,
    | 'fields'
    | 'channels'
    | 'steps'
    | 'classes'
    | 'imputer'
    | 'indicators'
    | 'maxGaps'
    | 'estimator'
    | 'neighbours'
    | 'importance'
  >;
}

/** Fits a model and opens it from the form in which it is written, so that what is scored is what will serve. */
export async function fitCandidate({
  fields,
  classes,
  preparation,
  ...input
}: CandidateInput): Promise<FittedCandidate> {
  const { indicators, maxGaps } = input.options;
  const { imputer, engine, voting, forest, neighbours, importance, outOfBag } = await fitModel({
    ...input,
    classes: classes.length,
  });
  const file = forest.name === boostedName ? boostedFile : forestFile;
  const parts: FittedCandidate['parts'] = {
    fields: [...fields],
    ...(preparation && { channels: [...preparation.channels], steps: stepsSchema.parse(preparation.steps) }),
    classes: [...classes],
    imputer,
    ...(indicators && { indicators }),
    ...(maxGaps !== undefined && { maxGaps }),
    estimator: { kind: 'forest', file, engine, voting },
    ...(neighbours && { neighbours: { file: neighboursFile, share: neighbours.share } }),
    ...(importance && { importance }),
  };
  const unpacked = new Map<string, unknown>([[file, forest]]);
  if (neighbours) unpacked.set(neighboursFile, neighbours.json);
  const ownSteps = preparation?.ownSteps;
  const model = await openArtifact({ parts, unpacked, ...(ownSteps && { ownSteps }) });
  return { model, unpacked, parts, ...(outOfBag && { outOfBag }) };
}
