// How right labels are when values are missing: ways of ours beside scikit-learn's, on the same rows with the same gaps; writes the
// section of docs/benchmarks.md and the table of the README.
// node bench/gaps.ts [--folds 10] [--dry-run]

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readDataset } from '../core/dataset/read.ts';
import type { Model } from '../core/model/model.ts';
import { elementAt } from '../core/numeric/element.ts';
import { withSection } from '../docs/section.ts';
import { fitCandidate } from '../training/candidate.ts';
import { type LabelledRows, labelRows, pickLabelledRows } from '../training/rows.ts';
import { type Case, cases, type Fold, foldsOf, seedOf, withGaps } from './gaps/cases.ts';
import { bestMethod, type Method, methods } from './gaps/methods.ts';
import { labelByReducedModels } from './gaps/reduced.ts';
import { type Result, Results } from './gaps/results.ts';
import { cacheFolder, installPython, PythonPeer } from './peers.ts';
import { machine, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    folds: { type: 'string', default: '10' },
    'dry-run': { type: 'boolean', default: false },
    /** Only this split; its results are printed as JSON. The whole run starts its parts so, one a core. */
    fold: { type: 'string' },
  },
});

/** Rows of each split that reduced models predict. */
const reducedRows = 40;
const reducedName = `reduced models, one a row (${reducedRows} rows a split)`;
const peerNames = {
  mean: 'scikit-learn: mean, forest',
  one: 'scikit-learn: HistGradientBoosting, trained on gaps',
  four: 'scikit-learn: HistGradientBoosting, 4 copies',
};
const folder = cacheFolder(options.fold === undefined ? 'gaps' : `gaps-${options.fold}`);
const root = join(import.meta.dirname, '..');
const dataset = await readDataset({ file: join(root, 'examples/spambase/data/spambase.csv'), truth: 'label' });
const results = new Results();
/** The models of one split, by method and, where that matters, by the share of gaps that they are trained for. */
const fitted = new Map<string, Model>();
const peer = new PythonPeer(installPython(), '../gaps/peers.py', [folder]);
try {
  if (options.fold === undefined) await measureAll();
  else await measureFold(Number(options.fold));
} finally {
  peer.stop();
}

async function measureAll(): Promise<void> {
  const left = Array.from({ length: Number(options.folds) }, (_, fold) => fold);
  const takeFolds = async () => {
    for (let fold = left.shift(); fold !== undefined; fold = left.shift()) {
      const args = [fileURLToPath(import.meta.url), '--folds', options.folds, '--fold', `${fold}`];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      results.add(JSON.parse(await text(child.stdout)));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, takeFolds));
  const { versions } = await peer.ask<{ versions: string }>({ do: 'versions' });
  const report = describe(versions);
  console.log(report);
  if (options['dry-run']) return;
  writeSection('gaps', report);
  writeReadme();
}

async function measureFold(number: number): Promise<void> {
  const fold = elementAt(foldsOf(dataset, Number(options.folds)), number);
  for (const [column, each] of cases.entries()) {
    const test = withGaps(fold.test, each.pattern, each.testRate, seedOf(fold.number, column, 0));
    await scorePeers(fold, column, each, test);
    for (const method of methods) results.note(method.name, column, await scoreOurs(method, fold, each, test));
    const reduced = await labelByReducedModels(fold.train, test, dataset.classes.length, reducedRows);
    results.note(reducedName, column, reduced);
    console.error(`split ${fold.number + 1}: ${each.name}`);
  }
  console.log(JSON.stringify(results));
}

async function scorePeers(fold: Fold, column: number, each: Case, test: LabelledRows): Promise<void> {
  const copies = [1, 2, 3, 4].map((purpose) => {
    const seed = seedOf(fold.number, column, purpose);
    return save(`copy${purpose}`, withGaps(fold.train, each.pattern, each.trainRate, seed));
  });
  const testName = save('test', test);
  const gaps = gapsOf(test);
  const peers = [
    [peerNames.mean, 'mean', [save('whole', fold.train)]],
    [peerNames.one, 'boosting', copies.slice(0, 1)],
    [peerNames.four, 'boosting', copies],
  ] as const;
  for (const [name, method, train] of peers) {
    const command = { do: 'score', method, seed: fold.number, train, test: testName, width: dataset.width };
    results.note(name, column, { ...(await peer.ask<Omit<Result, 'gaps'>>(command)), gaps });
  }
}

/** Writes rows where the peers read them. */
function save(name: string, { values, labels }: LabelledRows): string {
  writeFileSync(join(folder, `${name}.f64`), values);
  writeFileSync(join(folder, `${name}.i32`), labels);
  return name;
}

function gapsOf({ values, count, width }: LabelledRows): number[] {
  return Array.from(
    { length: count },
    (_, row) => values.subarray(row * width, (row + 1) * width).filter(Number.isNaN).length,
  );
}

async function scoreOurs(method: Method, fold: Fold, each: Case, test: LabelledRows): Promise<Result> {
  const { pattern, trainRate } = each;
  const key = method.forAllCases ? method.name : `${method.name} ${pattern} ${trainRate}`;
  let model = fitted.get(key);
  if (!model) {
    const { fields, classes } = dataset;
    const maskCopy = (rows: LabelledRows, rate: number, seed: number) => withGaps(rows, pattern, rate, seed);
    const input = { rows: fold.train, fields, classes, options: method.options(trainRate) };
    model = (await fitCandidate({ ...input, ...(!method.forAllCases && { maskCopy }) })).model;
    fitted.set(key, model);
    // The first labels pay for the compiler.
    await labelRows(model.open(), pickLabelledRows(test, [...Array(200).keys()]));
  }
  const startedMs = performance.now();
  const labels = await labelRows(model.open(), test);
  const microsecondsPerRow = ((performance.now() - startedMs) * 1_000) / test.count;
  return {
    right: Array.from(labels, (label, row) => label === test.labels[row]),
    gaps: gapsOf(test),
    microsecondsPerRow,
  };
}

function describe(versions: string): string {
  const ours = [...methods.map(({ name }) => name), reducedName];
  const trained = methods.filter((method) => method.options(0.1).copies?.length).map(({ name }) => name);
  const rivals = [peerNames.one, peerNames.four];
  return `## Gaps

\`npm run bench -- gaps\` · ${machine()} ${versions}.

Accuracy on Spambase, the mean over ${options.folds} stratified splits, each with gaps of its own that all methods share. Values go missing at random (10, 30,
50 %); 10 % in training and 50 % in service; large values first, as the generator's \`value\` pattern does it; whole rows at once, as of devices that fell silent. Copies have
gaps of the same kind and share, scikit-learn's and Gapline's. Those "of every share" are one model for the whole table, which knows neither the kind nor the share. Forests of
200 trees. µs a row: from rows with gaps to labels, in batches, on one thread.

${results.table([...Object.values(peerNames), ...ours])}

The mean difference over the splits, and its standard error:

${results.margins(trained, rivals)}

The share of right labels by number of gaps, over the first four cases:

${results.byGaps([peerNames.mean, peerNames.four, bestMethod.name])}`;
}

/** The README shows the original design, the best peers, baselines and ours, between two comments. */
function writeReadme(): void {
  const file = join(root, 'README.md');
  const titles = new Map([
    [peerNames.mean, 'mean, forest (scikit-learn)'],
    [peerNames.one, 'HistGradientBoosting, trained on gaps (scikit-learn)'],
    [peerNames.four, 'HistGradientBoosting, 4 copies with gaps (scikit-learn)'],
    [reducedName, `a forest for each pattern of gaps (${reducedRows} rows a split)`],
    [bestMethod.name, `**Gapline: ${bestMethod.name}**`],
  ]);
  const others = ['mean, indicators, 4 copies', 'conditional mean', 'boosted trees take gaps, 8 copies'];
  const shown = [...titles.keys()].toSpliced(3, 0, ...others);
  const sentence = `Right labels on Spambase when values are missing: at random, more in service than in training, large ones first, or all of a device
([how it is measured, and more](docs/benchmarks.md#gaps)).`;
  const table = `\n\n${sentence}\n\n${results.table(shown, titles)}\n\n`;
  writeFileSync(file, withSection(readFileSync(file, 'utf8'), 'gaps', table, 'README.md'));
}
