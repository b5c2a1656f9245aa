// How right labels are when values are missing: ways of ours beside scikit-learn's, on the same rows with the same gaps; writes the
// section of docs/benchmarks.md and the table of the README.
// node bench/gaps.ts [--folds 5] [--dry-run]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readDataset } from '../core/dataset/csv.ts';
import type { Model } from '../core/model/model.ts';
import type { LabelledRows } from '../training/rows.ts';
import { labelRows } from '../training/rows.ts';
import { fitTrial } from '../training/trial.ts';
import { type Case, cases, type Fold, foldsOf, seedOf, withGaps } from './gaps/cases.ts';
import { type Method, methods } from './gaps/methods.ts';
import { labelByReducedModels } from './gaps/reduced.ts';
import { cacheFolder, installPython, PythonPeer } from './peers.ts';
import { machine, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: { folds: { type: 'string', default: '5' }, 'dry-run': { type: 'boolean', default: false } },
});

/** Rows of each split that reduced models are asked about. */
const reducedRows = 60;
const folder = cacheFolder('gaps');
const root = join(import.meta.dirname, '..');
const dataset = await readDataset({ file: join(root, 'examples/spambase/data/spambase.csv'), truth: 'label' });
const folds = foldsOf(dataset, Number(options.folds));

interface Result {
  readonly accuracy: number;
  readonly microsecondsPerRow: number;
}
/** By method, by case, by split. */
const results = new Map<string, Result[][]>();

function note(method: string, column: number, result: Result): void {
  const byCase = results.get(method) ?? cases.map(() => []);
  byCase[column]!.push(result);
  results.set(method, byCase);
}

/** The models of one split, by method and, where that matters, by the share of gaps that they are trained for. */
const fitted = new Map<string, Model>();
const reducedName = `reduced models, one a row (${reducedRows} rows a split)`;

const peer = new PythonPeer(installPython(), '../gaps/peers.py', [folder]);
try {
  for (const fold of folds) {
    for (const [column, each] of cases.entries()) {
      const test = withGaps(fold.test, each.pattern, each.testRate, seedOf(fold.number, column, 0));
      await askPeers(fold, column, each, test);
      for (const method of methods) note(method.name, column, await askOurs(method, fold, each, test));
      if (each.pattern === 'random' && each.trainRate === each.testRate) {
        note(reducedName, column, await labelByReducedModels(fold.train, test, dataset.classes.length, reducedRows));
      }
      console.error(`split ${fold.number + 1} of ${folds.length}: ${each.name}`);
    }
    fitted.clear();
  }
} finally {
  peer.stop();
}
const report = describe();
console.log(report);
if (!options['dry-run']) {
  writeSection('gaps', report);
  writeReadme();
}

async function askPeers(fold: Fold, column: number, each: Case, test: LabelledRows): Promise<void> {
  const copies = [1, 2, 3, 4].map((purpose) => {
    const seed = seedOf(fold.number, column, purpose);
    return save(`copy${purpose}`, withGaps(fold.train, each.pattern, each.trainRate, seed));
  });
  const asked = save('test', test);
  const peers = [
    ['scikit-learn: forest, mean', 'mean', [save('whole', fold.train)]],
    ['scikit-learn: forest takes gaps, 4 copies', 'forest', copies],
    ['scikit-learn: HistGradientBoosting, trained on gaps', 'boosting', copies.slice(0, 1)],
    ['scikit-learn: HistGradientBoosting, 4 copies', 'boosting', copies],
  ] as const;
  for (const [name, method, train] of peers) {
    const command = { do: 'score', method, seed: fold.number, train, test: asked, width: dataset.width };
    note(name, column, await peer.ask<Result>(command));
  }
}

/** Writes rows where the peers read them. */
function save(name: string, { values, labels }: LabelledRows): string {
  writeFileSync(join(folder, `${name}.f64`), values);
  writeFileSync(join(folder, `${name}.i32`), labels);
  return name;
}

async function askOurs(method: Method, fold: Fold, each: Case, test: LabelledRows): Promise<Result> {
  const key = method.forAllCases ? method.name : `${method.name} ${each.trainRate}`;
  let model = fitted.get(key);
  if (!model) {
    const { fields, classes } = dataset;
    const asked = { rows: fold.train, fields, classes, options: method.options(each.trainRate) };
    model = (await fitTrial(asked)).model;
    fitted.set(key, model);
    // The first labels pay for the compiler.
    await labelRows(model.open(), test);
  }
  const startedMs = performance.now();
  const labels = await labelRows(model.open(), test);
  const microsecondsPerRow = ((performance.now() - startedMs) * 1_000) / test.count;
  return {
    accuracy: labels.filter((label, row) => label === test.labels[row]).length / test.count,
    microsecondsPerRow,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}

/** The mean over the splits of how much right one method is above another, and its standard error. */
function margin(above: readonly number[], below: readonly number[]): string {
  const differences = above.map((each, at) => each - below[at]!);
  const average = mean(differences);
  const variance =
    differences.reduce((sum, each) => sum + (each - average) ** 2, 0) / Math.max(1, differences.length - 1);
  const error = Math.sqrt(variance / differences.length);
  return `${average < 0 ? '−' : '+'}${Math.abs(average).toFixed(3)} ± ${error.toFixed(3)}`;
}

function accuracies(method: string, column: number): number[] {
  return results.get(method)![column]!.map(({ accuracy }) => accuracy);
}

function rowsOf(names: readonly string[], columns: readonly number[]): string[][] {
  return names.map((name) => {
    const times = results
      .get(name)!
      .flat()
      .map(({ microsecondsPerRow }) => microsecondsPerRow);
    const shown = columns.map((column) => {
      const all = accuracies(name, column);
      return all.length === 0 ? '' : mean(all).toFixed(3);
    });
    return [name, ...shown, mean(times).toFixed(0)];
  });
}

/** How far ours is above the better of the two that are trained on gaps, by case. */
function marginRow(name: string): string[] {
  const rivals = [...results.keys()].filter((each) => each.includes('HistGradientBoosting'));
  const margins = cases.map((_, column) => {
    const best = rivals.reduce((a, b) => (mean(accuracies(b, column)) > mean(accuracies(a, column)) ? b : a));
    return margin(accuracies(name, column), accuracies(best, column));
  });
  return [`*${name}*, above the better HistGradientBoosting`, ...margins, ''];
}

function describe(): string {
  const names = [...results.keys()].sort((a, b) => Number(b.startsWith('scikit')) - Number(a.startsWith('scikit')));
  const every = cases.map((_, column) => column);
  const ours = methods.filter((method) => method.options(0.1).copies?.length).map(({ name }) => name);
  return `## Gaps

\`npm run bench -- gaps\` · ${machine()}

Accuracy on Spambase, the mean over ${folds.length} stratified splits, each with gaps of its own that all methods share. Values go missing at random (10, 30,
50 %); 10 % in training and 50 % in service; the larger the likelier; whole rows at once. scikit-learn's are trained on rows with gaps of the same
kind and share; those of ours that say "of every share" are one model for the whole table, which never saw the kind. 200 trees.

${table(['method', ...cases.map(({ name }) => name), 'µs a row'], rowsOf(names, every))}

The mean difference over the splits, and its standard error:

${table(['', ...cases.map(({ name }) => name), ''], ours.map(marginRow))}`;
}

/** The README shows the original design, the best peer and ours, between two comments. */
function writeReadme(): void {
  const file = join(root, 'README.md');
  const text = readFileSync(file, 'utf8');
  const parts = text.split(/(?<=<!-- gaps -->\n)[\s\S]*?(?=<!-- \/gaps -->)/);
  if (parts.length !== 2) {
    console.error('README.md has no place for the table: <!-- gaps --> and <!-- /gaps -->');
    return;
  }
  const shown = ['scikit-learn: forest, mean', 'scikit-learn: HistGradientBoosting, 4 copies', methods.at(-1)!.name];
  const rows = rowsOf(shown, [0, 1, 2]).map((row) => row.slice(0, -1));
  writeFileSync(file, parts.join(`${table(['values missing', '10 %', '30 %', '50 %'], rows)}\n`));
}
