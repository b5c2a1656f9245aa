import { join } from 'node:path';
import type { Dataset } from '../../core/dataset/dataset.ts';
import { describeDataset } from '../../core/dataset/describe.ts';
import { giveaways } from '../../core/dataset/giveaway.ts';
import { readTable } from '../../core/dataset/read.ts';
import type { PlanOptions } from '../../core/dataset/reading.ts';
import { rowsOf } from '../../core/dataset/rows-of.ts';
import { type Split, splitTable, stratifiedSplit } from '../../core/dataset/split.ts';
import { surveyTable } from '../../core/dataset/survey.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { oneLine } from '../../core/wire/errors.ts';
import { shellWord } from '../../core/wire/shell-word.ts';
import { sampleByLabel } from '../../training/budget.ts';
import { checkLabels, labelRemarks } from '../../training/label-checks.ts';
import { printLines } from '../print.ts';
import { chooseLabel } from './choose-label.ts';
import { readSamples } from './find-device.ts';
import { describePlan, planWindows, prepareParts, splitSamples, type WindowPlan } from './plan-windows.ts';
import type { DatasetParts } from './score-remarks.ts';

/** More rows than these make a model slower, hardly better, and are not looked at. */
const mostTrain = 250_000;
const mostTest = 50_000;
/** The share of the rows to train from, and the seed of the split. */
const split = { fraction: 0.8, seed: 1 };

export interface ReadNewOptions extends Omit<PlanOptions, 'fields'> {
  readonly data: readonly string[];
  readonly gap: readonly string[];
  readonly window?: string;
}

/** What the rest of `gapline new` needs of a table. The table itself is not among it: it may be large. */
export interface NewTable extends Pick<Dataset, 'columns' | 'fields'> {
  readonly choice: Awaited<ReturnType<typeof chooseLabel>>;
  readonly parts: DatasetParts;
  readonly plan: WindowPlan | undefined;
  readonly warnings: readonly string[];
}

/** Reads a table, says what each column became, and writes `train.csv` and `test.csv` into a folder. */
export async function readNew({ data, ...options }: ReadNewOptions, folder: string): Promise<NewTable> {
  const survey = await surveyTable(data, options.gap);
  const choice = await chooseLabel(survey, options.truth);
  const roles = { ...options, truth: choice.label };
  const reading = options.window === undefined ? await readTable(roles, survey) : await readSamples(roles, survey);
  const { dataset } = reading;
  printLines([...describeDataset(dataset), `label column: ${oneLine(choice.label)} (${choice.because})`]);
  if ('foundDevice' in reading) printLines([deviceFound(String(reading.foundDevice))]);
  checkLabels(dataset);
  printLines(labelRemarks(dataset));
  const made = options.window === undefined ? rowParts(dataset) : windowParts(dataset, options.window);
  const files = { train: join(folder, 'train.csv'), test: join(folder, 'test.csv') };
  await splitTable(reading, { ...split, split: made.split, ...files });
  const { columns, fields } = dataset;
  return { choice, columns, fields, parts: made.parts, plan: made.plan, warnings: giveawayWarnings(dataset) };
}

const deviceFound = (name: string): string =>
  `device column: ${oneLine(name)} (found: the times of each of its names are regular; --device COLUMN names another)`;

interface Parts {
  readonly parts: DatasetParts;
  readonly split: Split;
  readonly plan?: WindowPlan;
}

function rowParts(dataset: Dataset): Parts {
  const found = stratifiedSplit({ labels: dataset.labels, ...split });
  const rows = { train: sampleOf(dataset, found.train, mostTrain), test: sampleOf(dataset, found.test, mostTest) };
  if (rows.train.length < found.train.length)
    printLines([
      `learns from ${rows.train.length} of ${found.train.length} training rows, and is scored on ${rows.test.length} of ${found.test.length}, even samples; gapline train learns from more`,
    ]);
  return { split: found, parts: { dataset: rowsOf(dataset, rows.train), test: rowsOf(dataset, rows.test) } };
}

/** So many of the rows at the most, with their part of every class. */
function sampleOf({ labels }: Dataset, rows: Int32Array, most: number): Int32Array {
  if (rows.length <= most) return rows;
  const chosen = sampleByLabel(
    rows.map((row) => elementAt(labels, row)),
    most,
    split.seed,
  );
  return chosen.map((at) => elementAt(rows, at));
}

/** The same of a table of samples, which are cut into windows. */
function windowParts(dataset: Dataset, length: string): Parts {
  const plan = planWindows(dataset, length);
  printLines(describePlan(plan));
  const { split: found, how } = splitSamples(dataset, plan, split);
  const { remark, ...parts } = prepareParts(dataset, found, plan);
  printLines([how, remark]);
  return { plan, split: found, parts };
}

const giveawayWarnings = (dataset: Dataset): string[] =>
  giveaways(dataset).map(
    (field) =>
      `warning: "${oneLine(field)}" alone gives the label away; if it is only known with the outcome, leave it out: --drop ${shellWord(field)}`,
  );
