// Writes into README.md how right the versions were fold by fold, how right they are on patients that they never saw, and how far the
// ensemble's models part: npx node examples/ecg/accuracy.ts, after npx node examples/ecg/simulate.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDataset } from '../../core/dataset/read.ts';
import type { Model } from '../../core/model/model.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { withSection } from '../../docs/section.ts';
import { maskValues } from '../../training/mask.ts';
import { prepareDataset } from '../../training/prepare.ts';
import { batchesOf, labelledRows } from '../../training/rows.ts';
import { readArguments } from '../arguments.ts';

readArguments(
  'npx node examples/ecg/accuracy.ts\n\nWrites how right the versions are into README.md beside this script; simulate.ts makes their patients.',
  {},
);

const shares = [0, 0.1, 0.3, 0.5];
const file = join(import.meta.dirname, 'data/test.csv');
const dataset = await readDataset({ file, truth: 'diagnosis', device: 'patient', time: 'time' });
const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'ecg' });
const mean = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
const names: Record<string, string> = { snapshots: 'snapshot ensemble', forest: 'boosted trees' };

/** Samples are lost before the steps, as on the line. */
async function scoresOf(model: Model, share: number): Promise<string> {
  const masked = maskValues(dataset, share, 1);
  const rows = labelledRows(model.steps ? prepareDataset(masked, model.steps) : masked, model.classes);
  const spreads: Record<'right' | 'wrong', number[]> = { right: [], wrong: [] };
  for (const batch of batchesOf(rows)) {
    const { labels, spread } = await model.open().predict(batch);
    for (const [row, label] of labels.entries())
      spreads[label === rows.labels[batch.first + row] ? 'right' : 'wrong'].push(spread?.[row] ?? Number.NaN);
  }
  const apart = [spreads.right, spreads.wrong].map((each) => (Number.isNaN(mean(each)) ? '' : mean(each).toFixed(3)));
  return `${(spreads.right.length / rows.count).toFixed(3)} | ${apart.join(' | ')}`;
}

const accuracy = [
  '| version | estimator | missing | accuracy | spread where right | where wrong |',
  '| --: | --- | --: | --: | --: | --: |',
];
const folds = [
  '| version | fold | accuracy | macro F1 | weighted F1 | Youden’s J |',
  '| --: | --- | --: | --: | --: | --: |',
];
for (const version of await registry.versions()) {
  const model = await registry.load(version);
  const { estimator, metrics, lineage } = await registry.manifest(version);
  const name = String(lineage.options.imported ?? names[estimator.kind] ?? estimator.kind);
  for (const share of shares) {
    const scores = await scoresOf(model, share);
    accuracy.push(`| ${version} | ${name} | ${share * 100} % | ${scores} |`);
  }
  await model.close();
  const { folds: each = [], all } = metrics.crossValidation ?? {};
  const scored = each.map((scores, at) => ({ fold: `${at + 1}`, ...scores }));
  for (const { fold, ...scores } of [...scored, ...(all ? [{ fold: 'all', ...all }] : [])]) {
    const cells = [scores.accuracy, scores.f1, scores.weightedF1, scores.youden].map((score) => score.toFixed(3));
    folds.push(`| ${version} | ${fold} | ${cells.join(' | ')} |`);
  }
}
const readme = join(import.meta.dirname, 'README.md');
const sections = { accuracy, folds };
let page = readFileSync(readme, 'utf8');
for (const [name, lines] of Object.entries(sections))
  page = withSection(page, name, `\n\n${lines.join('\n')}\n\n`, readme);
writeFileSync(readme, page);
