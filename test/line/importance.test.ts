import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gapline, root, spambase, temporaryFolder } from './gapline.ts';

const test921 = join(root, 'examples/spambase/data/test.csv');
const show = (...args: string[]) => gapline(['models', 'show', ...args]).ended;

/** Lines of the table: what is shown, and of which field. */
const tableOf = (stdout: string) =>
  [...stdout.matchAll(/^ *(-?[\d.]+) (?:%|± [\d.]+) .* (\S+)$/gm)].map(([, share, field]) => ({
    share: Number(share),
    field: field!,
  }));
const descending = (shares: readonly number[]) => shares.toSorted((a, b) => b - a);

/** A stream of three columns, of which `x` alone tells the labels apart. */
function smallStream() {
  const folder = temporaryFolder();
  const rows = Array.from({ length: 120 }, (_, row) => [row % 2, (row * 7) % 10, (row * 3) % 11, row % 2 ? 'b' : 'a']);
  const train = join(folder, 'train.csv');
  writeFileSync(train, `x,noise,other,label\n${rows.map((row) => row.join(',')).join('\n')}\n`);
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, 'stream: small\ndata: { train: train.csv, truth: label }\nmodel: { name: small }\n');
  return { folder, config, train };
}

test('a version that was trained says how right it is out of bag, and how important its fields are', {
  timeout: 60_000,
}, async () => {
  const { config, train } = smallStream();
  const trained = await gapline(['train', '--config', config]).ended;
  expect(trained.stdout).toMatch(
    /^out-of-bag accuracy 1\.0000: 120 training rows, each by the trees that did not see/m,
  );
  const { metrics } = JSON.parse((await show('1', '--config', config)).stdout);
  expect(metrics.outOfBag).toEqual({ accuracy: 1, rows: 120 });

  const gained = await show('1', '--config', config, '--importance');
  expect({ code: gained.code, stderr: gained.stderr }).toEqual({ code: 0, stderr: '' });
  expect(gained.stdout).toMatch(/^small version 1: .*\n *\d\d\.\d\d % {2}█{24} {2}x\n/);
  expect(gained.stdout.trimEnd().split('\n')).toHaveLength(4);

  const shuffled = await show('champion', '--config', config, '--importance', '--on', train, '--repeats', '3');
  expect(shuffled.code).toBe(0);
  expect(shuffled.stderr).toContain('shuffling 100 % 3/3 fields');
  expect(shuffled.stdout).toMatch(
    /120 rows of train\.csv; with none shuffled it is 1\.0000\n *0\.\d{4} ± 0\.\d{4} .* x\n/,
  );
});

test('the example has both kinds of importance, the most important fields first', { timeout: 60_000 }, async () => {
  const gained = tableOf((await show('1', '--config', spambase, '--importance')).stdout);
  const measured = await show('1', '--config', spambase, '--on', test921, '--repeats', '1');
  const lost = tableOf(measured.stdout);
  for (const table of [gained, lost]) {
    expect(table).toHaveLength(57);
    const shares = table.map(({ share }) => share);
    expect(shares).toEqual(descending(shares));
    expect(table.slice(0, 8).map(({ field }) => field)).toContain('char_freq_!');
  }
  expect(gained.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(100, 0);
  const again = await show('1', '--config', spambase, '--on', test921, '--repeats', '1');
  expect(again.stdout).toBe(measured.stdout);
});

test('rows that nothing can be measured on end with one clear complaint', { timeout: 60_000 }, async () => {
  const { folder, config, train } = smallStream();
  await gapline(['train', '--config', config, '--set', 'training.trees=5']).ended;
  const text = readFileSync(train, 'utf8');
  const csv = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const complaints: [args: string[], says: RegExp][] = [
    [['1', '--on', join(folder, 'none.csv')], /none\.csv: cannot be read.*\[data-invalid\]\n$/],
    [
      ['1', '--on', csv('field.csv', text.replace('x,', 'y,'))],
      /field\.csv: there is no column "x"; its columns are y,.*\[data-invalid\]\n$/,
    ],
    [['1', '--on', csv('truth.csv', text.replace('label', 'kind'))], /there is no column "label".*\[data-invalid\]\n$/],
    [
      ['1', '--on', csv('empty.csv', text.replaceAll(/,[ab]$/gm, ','))],
      /empty\.csv: no row has a truth that the model knows \(a, b\).*\[data-invalid\]\n$/,
    ],
    [['1', '--on', train, '--set', 'data.truth='], /data\.truth is missing.*\[config-invalid\]\n$/],
    [['7', '--importance'], /there is no version 7.*\[model-missing\]\n$/],
    [['1', '--on', train, '--repeats', '0'], /expected a whole number from 1 to 1000/],
  ];
  for (const [args, says] of complaints) {
    const ended = await show(...args, '--config', config);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toMatch(says);
  }
});

test('an estimator of series has no splits, and the complaint says what to do', { timeout: 60_000 }, async () => {
  const { code, stderr } = await show('1', '--config', join(root, 'examples/ppg/stream.yaml'), '--importance');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /kind shapelets has no splits .* by tenths of each channel: gapline models show 1 --importance --on FILE\.csv\. /,
  );
});

test('trees of ONNX do not record what their splits gain, but can be shuffled', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const fixture = join(root, 'core/model/forest/fixtures/sklearn-forest-2');
  const { rows, labels }: { rows: (number | null)[][]; labels: string[] } = JSON.parse(
    readFileSync(`${fixture}.json`, 'utf8'),
  );
  const header = [...rows[0]!.map((_, column) => `x${column}`), 'label'].join(',');
  const lines = rows.map((row, at) => [...row.map((value) => value ?? ''), labels[at]].join(','));
  const config = join(folder, 'stream.yaml');
  writeFileSync(join(folder, 'data.csv'), [header, ...lines, ''].join('\n'));
  writeFileSync(config, 'stream: imported\ndata: { train: data.csv, truth: label }\nmodel: { name: imported }\n');
  const imported = await gapline(['models', 'import', `${fixture}.onnx`, '--config', config]).ended;
  expect(imported.stderr).toBe('');
  const gained = await show('1', '--config', config, '--importance');
  expect(gained.code).toBe(1);
  expect(gained.stderr).toMatch(
    /^gapline: version 1: the trees of forest\.onnx do not record the gain of their splits; measure on a table .* --importance --on FILE\.csv\. .*\n$/,
  );
  const shuffled = await show('1', '--config', config, '--on', join(folder, 'data.csv'));
  expect(shuffled.code).toBe(0);
  expect(tableOf(shuffled.stdout)).toHaveLength(rows[0]!.length);
  expect(tableOf(shuffled.stdout)[0]!.share).toBeGreaterThan(0);
});
