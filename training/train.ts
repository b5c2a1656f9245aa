import type { Dataset } from '../core/dataset/dataset.ts';
import { sampleRows } from '../core/dataset/rows-of.ts';
import type { Draft } from '../core/model/artifact.ts';
import { packAll } from '../core/model/artifact.ts';
import type { Metrics } from '../core/model/manifest.ts';
import type { Model } from '../core/model/model.ts';
import type { Registry } from '../core/model/registry/port.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { type Budget, fitLimits, type Limits, sampleLabelled, trialLimits } from './budget.ts';
import { type FittedCandidate, fitCandidate } from './candidate.ts';
import { crossValidate } from './cross-validation.ts';
import { describeModel, type Published, publishDraft } from './draft.ts';
import type { FitProgress } from './fit.ts';
import { holdOut } from './hold-out.ts';
import { type KeptDrafts, publishKept } from './kept-draft.ts';
import { checkLabels } from './label-checks.ts';
import { learnMaxGaps } from './max-gaps.ts';
import type { TrainingOptions } from './options.ts';
import { marginOf, type Preparation } from './prepare.ts';
import { type LabelledRows, labelledRows, pickLabelledRows } from './rows.ts';
import { mostMasked, type RowFigures, Scoring } from './scoring.ts';

export interface TrainProgress extends FitProgress {
  /** `score`: a model that never saw the fifth it is scored on; `fit`: the model itself. */
  readonly step: 'score' | 'fit';
}

/** How far cross-validation is. */
export interface FoldProgress {
  readonly step: 'folds';
  readonly of: 'folds';
  readonly done: number;
  readonly all: number;
}

export interface TrainInput {
  readonly dataset: Dataset;
  /** Rows to score on, with the same fields. Without them a fifth of the data set is held out for that. */
  readonly test?: Dataset;
  /** The steps that made the rows of both, if steps did. */
  readonly preparation?: Preparation;
  readonly options: TrainingOptions;
  /** Where the version is made. */
  readonly registry: Registry;
  /** Cross-validation: so many models, each scored on its fold and learnt from the others. The model itself learns from all rows. */
  readonly folds?: number | undefined;
  readonly onProgress?: (progress: TrainProgress | FoldProgress) => void;
  /** Default: whatever time it takes, so that the same input gives the same model. */
  readonly budget?: Budget | undefined;
  /** Of a forest. Default: one for each core. */
  readonly threads?: number;
  /** Where what was trained is kept until the registry has it. Default: nowhere. */
  readonly drafts?: KeptDrafts | undefined;
  /** The id of the task that makes it, kept in the version's lineage: so that whoever repeats a task finds what it made. */
  readonly task?: string;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
}

export interface TrainResult extends Published {
  /** What was left out to stay within the budget, in words; empty where nothing was. */
  readonly cuts: readonly string[];
}

/**
 * Trains the next version of a model. It becomes the champion only where there is none.
 * @throws {GaplineError} `data-invalid` where nothing can be learnt from the data set.
 */
export async function train(input: TrainInput): Promise<TrainResult> {
  checkDataset(input.dataset, input.test);
  const { draft, cuts } = await makeDraft(input);
  const { registry, drafts } = input;
  const published = drafts ? publishKept(draft, registry, drafts) : publishDraft(draft, registry);
  return { ...(await published), cuts };
}

async function makeDraft(input: TrainInput): Promise<{ draft: Draft; cuts: string[] }> {
  const { dataset, test, options, budget } = input;
  const { seed } = options;
  const rows = labelledRows(dataset, dataset.classes);
  const held = holdOut(rows, { seed, ...marginOf(input.preparation) });
  const learns = options.maxGaps === undefined && options.engine === 'gapline';
  const trial = learns || !test ? await makeTrial(input, test ? sampleOf(held.train, budget) : held.train) : undefined;
  const maxGaps =
    trial && learns ? await learnMaxGaps(trial.model, held.test, seed, trial.limits.labelled) : options.maxGaps;
  const limits = fitLimits(budget, trial?.timed);
  const sample = (of: LabelledRows, most: number) => sampleLabelled(of, most, seed);
  const learnt = sample(rows, limits.rows);
  const scored = sample(test ? labelledRows(test, dataset.classes) : held.test, limits.labelled);
  const crossed = await crossValidated(input, rows);
  const scores = trial && !test && !crossed ? await scoreOn(input, trial.model, { rows: scored, limits }) : undefined;
  const final = await fitPart(input, { step: 'fit', rows: learnt, maxGaps, isTimeUp: limits.isTimeUp });
  const metrics = scores
    ? { on: 'holdout' as const, ...scores }
    : crossed && !test
      ? { on: 'folds' as const, ...crossed.scores }
      : { on: 'test' as const, ...(await scoreOn(input, final.model, { rows: scored, limits })) };
  const cuts = [
    ...fewer('learns from', learnt.count, rows.count, 'rows'),
    ...final.progress.flatMap(({ of, done, all }) => fewer('makes', done, all, progressNames[of] ?? of)),
    ...(crossed && !test ? [] : fewer('scores on', scored.count, (test ?? held.test).count, 'rows')),
  ];
  const crossValidation = crossed && { crossValidation: crossed.figures };
  return { draft: await describe(input, final, { rows, learnt, metrics: { ...metrics, ...crossValidation } }), cuts };
}

/** Models of the folds give every row a label: how many gaps one survives is learnt for the model itself. */
async function crossValidated(
  { dataset, preparation, options, folds, threads, onProgress }: TrainInput,
  rows: LabelledRows,
) {
  if (folds === undefined) return undefined;
  return await crossValidate({
    ...{ dataset, rows, options, folds: { folds, seed: options.seed } },
    ...{ fields: dataset.fields, classes: dataset.classes },
    ...(preparation && { preparation }),
    ...(threads !== undefined && { threads }),
    onProgress: (done, all) => onProgress?.({ step: 'folds', of: 'folds', done, all }),
  });
}

async function describe(
  { dataset, options, task, now }: TrainInput,
  final: Fitted,
  { rows, learnt, metrics }: { rows: LabelledRows; learnt: LabelledRows; metrics: Omit<Metrics, 'outOfBag'> },
): Promise<Draft> {
  return describeModel({
    model: final.model,
    parts: final.parts,
    files: await packAll(final.unpacked),
    dataset,
    rows,
    metrics: { ...metrics, ...(final.outOfBag && { outOfBag: final.outOfBag }) },
    seed: options.seed,
    options: {
      ...options,
      ...(learnt.count < rows.count && { rows: learnt.count }),
      ...(task !== undefined && { task }),
    },
    ...(now && { now }),
  });
}

/** A model that never saw the rows that are held out. */
async function makeTrial(input: TrainInput, from: LabelledRows) {
  const limits = trialLimits(input.budget);
  const rows = sampleLabelled(from, limits.rows, input.options.seed);
  const beganMs = performance.now();
  const { maxGaps } = input.options;
  const { model } = await fitPart(input, { step: 'score', rows, maxGaps, isTimeUp: limits.isTimeUp });
  return { model, limits, timed: { rows: rows.count, ms: performance.now() - beganMs } };
}

/** With a budget, what a forest is scored on for nothing else but to be told costs too much where it learns from more rows. */
const largeFit = 50_000;

interface Fitted extends FittedCandidate {
  /** How far the fit came. */
  readonly progress: readonly FitProgress[];
}

interface Part {
  readonly step: TrainProgress['step'];
  readonly rows: LabelledRows;
  readonly maxGaps: number | undefined;
  readonly isTimeUp: (() => boolean) | undefined;
}

async function fitPart(
  { dataset: { fields, classes }, preparation, options, onProgress, budget, threads }: TrainInput,
  { step, rows, maxGaps, isTimeUp }: Part,
): Promise<Fitted> {
  const progress = new Map<string, FitProgress>();
  const candidate = await fitCandidate({
    rows,
    fields,
    classes,
    options: { ...options, ...(maxGaps !== undefined && { maxGaps }) },
    ...(preparation && { preparation }),
    // Windows of one device are alike, and trees have seen others of it.
    outOfBag: step === 'fit' && !preparation && (!budget || rows.count < largeFit),
    isTimeUp,
    ...(threads !== undefined && { threads }),
    onProgress(done) {
      progress.set(done.of, done);
      onProgress?.({ step, ...done });
    },
  });
  return { ...candidate, progress: [...progress.values()] };
}

/** Where it is not said by the word itself. */
const progressNames: { readonly [Of in FitProgress['of']]?: string } = { steps: 'steps of the learned metric' };

const fewer = (does: string, some: number, all: number, what: string): string[] =>
  some < all ? [`${does} ${some} of ${all} ${what}`] : [];

/** To learn how many gaps a label survives, fewer rows are enough than to learn the labels. */
const enoughRows = 3_000;

/** Where the time is counted, more rows also tell what a row costs. */
const tellingRows = 12_000;

/** An even sample: a table may be in the order of its labels. */
function sampleOf(rows: LabelledRows, budget: Budget | undefined): LabelledRows {
  const most = budget ? tellingRows : enoughRows;
  return rows.count <= most ? rows : pickLabelledRows(rows, sampleRows(rows.count, most));
}

/** How many rows all fits together learn from that {@link train} makes of so many, where others are given to score on. */
export const rowsOfFinalFits = (count: number): number => count + Math.min(count, enoughRows);

/** Where the time is counted, the masked rows together are at most half as many as the others may be. */
async function scoreOn(
  { options }: TrainInput,
  model: Model,
  { rows, limits }: { rows: LabelledRows; limits: Limits },
): Promise<RowFigures> {
  const most = Math.min(mostMasked, Math.ceil(limits.labelled / 6));
  const scoring = new Scoring({ classes: model.classes.length, seed: options.seed, mostMasked: most });
  await scoring.add(model, rows);
  return scoring.figures();
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
