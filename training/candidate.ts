import type { Manifest, Metrics } from '../core/model/manifest.ts';
import type { Model } from '../core/model/model.ts';
import { openArtifact } from '../core/model/open.ts';
import { seriesOfColumns } from '../core/steps/filter/row-series.ts';
import { stepsSchema } from '../core/steps/registry.ts';
import { type FitInput, fitModel } from './fit.ts';
import { type TrainingOptions, takesSeries } from './options.ts';
import type { Preparation } from './prepare.ts';

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
    | 'series'
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
  const series = input.series ? undefined : seriesOf(fields, preparation, input.options);
  const { imputer, estimator, json, neighbours, importance, outOfBag } = await fitModel({
    ...input,
    ...(series && { series: { channels: series.channels.length, length: series.length } }),
    classes: classes.length,
  });
  const parts: FittedCandidate['parts'] = {
    fields: [...fields],
    ...(series && { series: { channels: [...series.channels], length: series.length } }),
    ...(preparation && { channels: [...preparation.channels], steps: stepsSchema.parse(preparation.steps) }),
    classes: [...classes],
    imputer,
    ...(indicators && { indicators }),
    ...(maxGaps !== undefined && { maxGaps }),
    estimator,
    ...(neighbours && { neighbours: { file: neighboursFile, share: neighbours.share } }),
    ...(importance && { importance }),
  };
  const unpacked = new Map<string, unknown>([[estimator.file, json]]);
  if (neighbours) unpacked.set(neighboursFile, neighbours.json);
  const ownSteps = preparation?.ownSteps;
  const model = await openArtifact({ parts, unpacked, ...(ownSteps && { ownSteps }) });
  return { model, unpacked, parts, ...(outOfBag && { outOfBag }) };
}

/** The channels of rows that are series. Trees on the columns of whole segments see columns, whatever these are samples of. */
function seriesOf(fields: readonly string[], preparation: Preparation | undefined, { estimator }: TrainingOptions) {
  const { series, windows } = preparation?.chain.shape ?? {};
  if (windows || (series && estimator && takesSeries(estimator))) return series;
  return estimator && takesSeries(estimator) ? seriesOfColumns(fields) : undefined;
}
