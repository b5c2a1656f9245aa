import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomForestClassifier } from 'ml-random-forest';
import { expect, test } from 'vitest';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { gapline, root, temporaryFolder } from './gapline.ts';

const fixtures = join(root, 'core/model/forest/fixtures');

interface Expected {
  readonly rows: (number | null)[][];
  readonly probabilities: number[][];
  readonly labels: (number | string)[];
}

/** A folder with a stream whose data set is these rows, and the rows as another CSV for --train. */
function streamOf(rows: readonly (readonly (number | null)[])[], labels: readonly (number | string)[]) {
  const folder = temporaryFolder();
  const header = [...rows[0]!.map((_, column) => `x${column}`), 'label'].join(',');
  const lines = rows.map((row, at) => [...row.map((value) => value ?? ''), labels[at]].join(','));
  const train = join(folder, 'other.csv');
  writeFileSync(train, `${header}\n${lines.join('\n')}\n`);
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, 'stream: imported\ndata: { train: none.csv, truth: label }\nmodel: { name: imported }\n');
  return { config, train, models: join(folder, 'models') };
}

/** What the version that was imported last says of rows. */
async function ask(models: string, rows: readonly (readonly (number | null)[])[]) {
  const model = await openRegistry({ folder: models, name: 'imported' }).current();
  const answer = await model.open().predict({
    count: rows.length,
    width: rows[0]!.length,
    values: Float64Array.from(rows.flat(), (value) => value ?? Number.NaN),
    devices: rows.map((_, row) => `row ${row}`),
    times: new BigInt64Array(rows.length),
  });
  const labels = Array.from(answer.labels, (label) => model.classes[label]!);
  return { labels, probabilities: [...answer.probabilities], classes: model.classes };
}

test.each(['sklearn-forest-2', 'sklearn-extra-trees-named', 'sklearn-boosting-3', 'xgboost-3', 'lightgbm-2'])(
  'gapline models import takes %s.onnx, and it predicts what its maker predicts',
  async (name) => {
    const { rows, probabilities, labels }: Expected = JSON.parse(readFileSync(join(fixtures, `${name}.json`), 'utf8'));
    const { config, train, models } = streamOf(rows, labels);
    const file = join(fixtures, `${name}.onnx`);
    const imported = await gapline([
      ...['models', 'import', file, '--config', config],
      ...['--train', train, '--impute', 'passthrough'],
    ]).ended;
    expect(imported.code).toBe(0);
    // Files that say nothing of gaps are warned of, and of nothing else.
    expect(imported.stderr).toMatch(/^(?:warning: \S+: no node of its trees says where a gap goes.*\n)?$/);
    expect(imported.stdout).toMatch(
      /^imported version 1 in .*\naccuracy 1\.0000 on the 36 rows .*; version 1 serves$/m,
    );
    const answer = await ask(models, rows);
    expect(answer.labels).toEqual(labels.map(String));
    for (const [at, share] of probabilities.flat().entries()) expect(answer.probabilities[at]).toBeCloseTo(share, 6);
  },
);

test('a bare forest of ml-random-forest gets what its file lacks from --train and --impute', async () => {
  const rows = Array.from({ length: 90 }, (_, row) => [(row % 3) * 2 + ((row * 7) % 10) / 10, (row % 3) + (row % 2)]);
  const labels = rows.map((_, row) => row % 3);
  const forest = new RandomForestClassifier({ nEstimators: 8, seed: 5, noOOB: true });
  forest.train(rows, labels);
  const { config, train, models } = streamOf(rows, labels);
  const file = join(models, '..', 'forest.json');
  writeFileSync(file, JSON.stringify(forest));
  const imported = await gapline([
    ...['models', 'import', file, '--config', config, '--train', train, '--impute', 'mean'],
    ...['--set', 'training.voting=majority'],
  ]).ended;
  expect({ code: imported.code, stderr: imported.stderr }).toEqual({ code: 0, stderr: '' });
  expect((await ask(models, rows)).labels).toEqual(forest.predict(rows).map(String));
  const mean = rows.reduce((sum, [x]) => sum + x!, 0) / rows.length;
  const masked = rows.map(([, y]) => [null, y!]);
  const filled = rows.map(([, y]) => [mean, y!]);
  expect((await ask(models, masked)).labels).toEqual(forest.predict(filled).map(String));
});
