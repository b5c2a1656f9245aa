import type { Dataset } from '../core/dataset/dataset.ts';
import { sampleRows } from '../core/dataset/rows-of.ts';
import type { Draft } from '../core/model/artifact.ts';
import { packAll } from '../core/model/artifact.ts';
import type { Metrics } from '../core/model/manifest.ts';
import type { Model } from '../core/model/model.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { type FittedCandidate, fitCandidate } from './candidate.ts';
import { describeModel, type Published, publishDraft } from './draft.ts';
import type { FitProgress } from './fit.ts';
import { holdOut } from './hold-out.ts';
import { checkLabels } from './label-checks.ts';
import { learnMaxGaps } from './max-gaps.ts';
import { score } from './metrics.ts';
import type { TrainingOptions } from './options.ts';
import { marginOf, type Preparation } from './prepare.ts';
import { type LabelledRows, labelledRows, labelRows, pickLabelledRows } from './rows.ts';

export interface TrainProgress extends FitProgress {
  /** `score`: a model that never saw the fifth it is scored on; `fit`: the model itself. */
  readonly step: 'score' | 'fit';
}

export interface TrainInput {
  readonly dataset: Dataset;
  /** Rows to score on, with the same fields. Without them a fifth of the data set is held out for that. */
  readonly test?: Dataset;
  /** The steps that made the rows of both, if steps did. */
  readonly preparation?: Preparation;
  readonly options: TrainingOptions;
  /** Where models live; the version is made in `registryFolder/name/`. */
  readonly registryFolder: string;
  readonly name: string;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
}

export type TrainResult = Published;

/**
 * Trains the next version of a model. It becomes the champion only where there is none.
 * @throws {GaplineError} `data-invalid` where nothing can be learnt from the data set.
 */
export async function train(input: TrainInput): Promise<TrainResult> {
  const { registryFolder, name } = input;
  checkDataset(input.dataset, input.test);
  return publishDraft(await makeDraft(input), { registryFolder, name });
}

async function makeDraft({ dataset, test, preparation, options, onProgress, now }: TrainInput): Promise<Draft> {
  const { classes, fields } = dataset;
  const rows = labelledRows(dataset, classes);
  const run = (step: TrainProgress['step'], part: LabelledRows, maxGaps = options.maxGaps) =>
    fitCandidate({
      rows: part,
      fields,
      classes,
      options: { ...options, ...(maxGaps !== undefined && { maxGaps }) },
      ...(preparation && { preparation }),
      // Windows of one device are alike, and trees have seen others of it.
      outOfBag: step === 'fit' && !preparation,
      ...(onProgress && { onProgress: (done) => onProgress({ step, ...done }) }),
    });
  const describe = async (final: FittedCandidate, scores: Omit<Metrics, 'outOfBag'>) =>
    describeModel({
      model: final.model,
      parts: final.parts,
      files: await packAll(final.unpacked),
      dataset,
      rows,
      metrics: { ...scores, ...(final.outOfBag && { outOfBag: final.outOfBag }) },
      seed: options.seed,
      options: { ...options },
      ...(now && { now }),
    });
  const held = holdOut(rows, { seed: options.seed, ...marginOf(preparation) });
  const learns = options.maxGaps === undefined && options.engine === 'gapline';
  const maxGapsOf = async (model: Model) => (learns ? learnMaxGaps(model, held.test, options.seed) : options.maxGaps);
  if (test) {
    const maxGaps = learns ? await maxGapsOf((await run('score', sampleOf(held.train))).model) : options.maxGaps;
    const final = await run('fit', rows, maxGaps);
    return describe(final, { on: 'test', ...(await scoreOn(final.model, labelledRows(test, classes))) });
  }
  const { model } = await run('score', held.train);
  const scores = await scoreOn(model, held.test);
  return describe(await run('fit', rows, await maxGapsOf(model)), { on: 'holdout', ...scores });
}

/** To learn how many gaps a label survives, fewer rows are enough than to learn the labels. */
const enoughRows = 3_000;

/** An even sample: a table may be in the order of its labels. */
const sampleOf = (rows: LabelledRows): LabelledRows =>
  rows.count <= enoughRows ? rows : pickLabelledRows(rows, sampleRows(rows.count, enoughRows));

/** How many rows all fits together learn from that {@link train} makes of so many, where others are given to score on. */
export const rowsOfFinalFits = (count: number): number => count + Math.min(count, enoughRows);

async function scoreOn(model: Model, rows: LabelledRows) {
  return score(rows.labels, await labelRows(model.open(), rows), model.classes.length);
}

function checkDataset(dataset: Dataset, test: Dataset | undefined): void {
  checkLabels(dataset);
  if (!test) return;
  const { file, classes } = dataset;
  const fail = (detail: string): never => {
    throw new GaplineError('data-invalid', detail);
  };
  const missing = dataset.fields.filter((name, index) => test.fields[index] !== name);
  if (missing.length > 0 || test.width !== dataset.width) fail(`${test.file}: has other value columns than ${file}`);
  if (!test.classes.some((name) => classes.includes(name))) fail(`${test.file}: has none of the labels of ${file}`);
}
