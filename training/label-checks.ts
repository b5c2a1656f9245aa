import type { Dataset } from '../core/dataset/dataset.ts';
import type { Metrics } from '../core/model/manifest.ts';
import { elementAt } from '../core/numeric/element.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { shorten } from '../core/wire/problem.ts';
import { explainName, isName } from '../core/wire/reading-input.ts';

/** More classes than this are a mistake: the truth column is likelier a name or a measurement. */
const mostClasses = 1_000;
/** Fewer rows make a model, and a score that chance decides. */
const fewRows = 50;
/** A class with a smaller share of the rows is rare. */
const rareShare = 0.05;

/**
 * Refuses labels that no model can be learnt from, or that the line cannot carry.
 * @throws {GaplineError} `data-invalid` saying what to do.
 */
export function checkLabels(dataset: Dataset): void {
  const { file, classes, labels } = dataset;
  const fail = (detail: string): never => {
    throw new GaplineError('data-invalid', `${file}: ${detail}`);
  };
  if (classes.length < 2) {
    const found = classes.length === 0 ? 'no label' : `no label but "${shorten(elementAt(classes, 0))}"`;
    const without = labels.length - labelled(labels);
    const words =
      without === 0
        ? ''
        : `; in ${without} rows the label's cell is empty or a word for a missing value, such as NA or None`;
    fail(`${found} is there to learn; a label column of at least two different values is needed${words}`);
  }
  const rows = labelled(labels);
  if (isMeasured(classes)) fail(numericTarget);
  if (classes.length === rows)
    fail(`each of the ${rows} labels occurs once, so nothing can be learnt; is another column the label?`);
  if (classes.length > mostClasses) fail(`${classes.length} different labels are too many; is that the label column?`);
  const strange = classes.find((name) => !isName(name));
  if (strange !== undefined) fail(`the label ${explainName(strange)}; readings could not carry it: write it otherwise`);
  const device = dataset.devices?.names.find((name) => !isName(name));
  if (device !== undefined) fail(`the device ${explainName(device)}; readings could not carry it: write it otherwise`);
}

const numericTarget =
  'the label column is a number, not a class; Gapline predicts classes: cut it into ranges first, such as low and high, or name another column';

/** Whether labels are measurements: many different numbers. Codes of classes are few. */
function isMeasured(classes: readonly string[]): boolean {
  if (classes.length <= 20 || !classes.every((name) => /^[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?$/i.test(name)))
    return false;
  return classes.length > 50 || classes.some((name) => !/^\d+$/.test(name));
}

const labelled = (labels: Int32Array): number => labels.reduce((count, label) => count + (label < 0 ? 0 : 1), 0);

/** How many rows each class has. */
function countsOf({ classes, labels }: Pick<Dataset, 'classes' | 'labels'>): number[] {
  const counts = new Array<number>(classes.length).fill(0);
  for (const label of labels) if (label >= 0) counts[label]! += 1;
  return counts;
}

/** The rarest class, where it is much rarer than an equal share. */
export function rareClass(
  dataset: Dataset,
): { readonly name: string; readonly index: number; readonly count: number } | undefined {
  const counts = countsOf(dataset);
  const count = Math.min(...counts);
  const index = counts.indexOf(count);
  const name = dataset.classes[index];
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const share = Math.min(rareShare, 0.5 / dataset.classes.length);
  return name !== undefined && count < rows * share ? { name, index, count } : undefined;
}

/** What is worth knowing of the labels before anything is learnt: a sentence each, with what to do. */
export function labelRemarks(dataset: Dataset): string[] {
  const { classes, labels } = dataset;
  const rows = labelled(labels);
  const remarks: string[] = [];
  if (rows < fewRows)
    remarks.push(`${rows} rows are few: the score is mostly chance; gather at least ${fewRows}, better some hundreds`);
  if (classes.length * 10 > rows)
    remarks.push(
      `${classes.length} classes in ${rows} rows are more than a tenth: most have too few rows to be learnt; join classes, or name another label column`,
    );
  const alike = lookAlike(classes);
  if (alike)
    remarks.push(
      `the labels "${shorten(alike[0], 40)}" and "${shorten(alike[1], 40)}" differ ${alike[2]} only, and are two classes; write them alike if they are one`,
    );
  if (rows < labels.length) remarks.push(`${labels.length - rows} rows without a label are left out of training`);
  return remarks;
}

/** Two labels that are one but for case and space, or but for how their number is written; with what they differ in. */
function lookAlike(classes: readonly string[]): [string, string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of classes) {
    const plain = name.toLowerCase().replaceAll(/\s+/g, ' ').trim();
    const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) && plain.length < 16;
    const key = isNumber ? `number ${Number(plain)}` : plain;
    const found = seen.get(key);
    if (found !== undefined) return [found, name, isNumber ? 'in how the number is written' : 'in case or space'];
    seen.set(key, name);
  }
  return undefined;
}

/** The accuracy of always predicting the most frequent class of the scored rows. */
export function majorityAccuracy({ confusion, rows }: Pick<Metrics, 'confusion' | 'rows'>): number {
  const counts = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  return Math.max(...counts) / Math.max(1, rows);
}

/** Whether a model is right no more often than one that always predicts the most frequent class. */
export const isNoBetter = (metrics: Metrics): boolean => metrics.accuracy <= majorityAccuracy(metrics);
