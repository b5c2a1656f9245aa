import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { gapline, lastJson, temporaryFolder } from './gapline.ts';

/** A CSV of classes that are told apart by where their values lie; a few cells are gaps. */
function csv({
  classes,
  columns,
  rows,
  label,
}: {
  classes: number;
  columns: number;
  rows: number;
  label: string;
}): string {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const names = Array.from({ length: columns }, (_, column) => (column === 0 ? '"odd, ""name"";"' : `c${column}`));
  const lines = Array.from({ length: rows }, (_, row) => {
    const kind = row % classes;
    const cells = names.map((_, column) =>
      random() < 0.02 ? '' : (((kind * (column + 3)) % 7) + random()).toFixed(3),
    );
    return [...cells, `class ${kind}`].join(',');
  });
  return `${[[...names, label].join(','), ...lines].join('\n')}\n`;
}

test.each([
  { classes: 2, columns: 2, rows: 200, label: 'state' },
  { classes: 30, columns: 500, rows: 900, label: 'kind' },
])('a CSV of $classes classes and $columns columns becomes a line that labels', { timeout: 180_000 }, async (shape) => {
  const folder = temporaryFolder();
  const file = join(folder, 'my.csv');
  writeFileSync(file, csv(shape));
  const made = await gapline(['new', 'mine', '--data', file, '--folder', join(folder, 'mine')], { cwd: folder }).ended;
  expect(made.stderr.replaceAll(/^(training|scoring) .*\n/gm, '')).toBe('');
  expect(made.code).toBe(0);
  expect(made.stdout).toContain(`label column: ${shape.label} (guessed`);
  const command = made.stdout.match(/npm start -- --config (\S+)/)?.[1] ?? '';
  expect(command).toBe('mine/stream.yaml');

  const run = await gapline(
    [
      ...['up', '--config', command, '--data', join(folder, 'data'), '--labels', '100', '--summary', 'json'],
      ...['--collector-port', '0', '--page-port', '0', '--log-level', 'error', '--set', 'generator.rate=300'],
    ],
    { cwd: folder },
  ).ended;
  expect(run.code).toBe(0);
  expect(lastJson<{ deadLetters: number; accuracy: number }>(run)).toMatchObject({ deadLetters: 0 });
  expect(lastJson<{ accuracy: number }>(run).accuracy).toBeGreaterThan(2 / shape.classes / 1.5);
});

test('a stream.yaml of three lines trains and runs', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'all.csv'), csv({ classes: 3, columns: 5, rows: 300, label: 'y' }));
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, 'stream: three\ndata: { train: all.csv, truth: y }\nmodel: { name: three }\n');
  const untrained = await gapline(['up', '--config', config, '--data', join(folder, 'data')]).ended;
  expect(untrained.code).toBe(1);
  expect(untrained.stderr).toContain('npm run train -- --config');
  const trained = await gapline(['train', '--config', config]).ended;
  expect(trained.code).toBe(0);
  expect(trained.stdout).toContain('three version 1');
  const run = await gapline([
    ...['up', '--config', config, '--data', join(folder, 'data'), '--labels', '50', '--summary', 'json'],
    ...['--collector-port', '0', '--page-port', '0', '--set', 'generator.rate=200'],
  ]).ended;
  expect(run.code).toBe(0);
  expect(lastJson<{ accuracy: number }>(run).accuracy).toBeGreaterThan(0.8);
});

test('a stream that is there already is not overwritten, and a CSV without a label is refused', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'my.csv');
  writeFileSync(file, csv({ classes: 2, columns: 2, rows: 50, label: 'state' }));
  const mine = ['new', 'mine', '--quick', '--data', file, '--folder', join(folder, 'mine')];
  const plain = await gapline(mine).ended;
  expect(plain.code).toBe(0);
  expect(plain.stdout).not.toContain('tried');
  const before = readFileSync(join(folder, 'mine/stream.yaml'), 'utf8');
  expect(before).not.toContain('training:');
  const again = await gapline(mine).ended;
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('is there already');
  expect(readFileSync(join(folder, 'mine/stream.yaml'), 'utf8')).toBe(before);

  writeFileSync(file, 'a,b\n0.1,0.2\n0.3,0.4\n');
  const refused = await gapline(['new', 'other', '--data', file, '--folder', join(folder, 'other')]).ended;
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^gapline: .*no column looks like a label.*\n$/);
});

/** A table of a counter, a measurement that tells two classes apart, a text column and the label. */
const rich = (cell = '') =>
  [
    'n;temp;site;state',
    ...Array.from(
      { length: 120 },
      (_, row) => `${row};${row === 7 && cell ? cell : richTemp(row)};B;${row % 2 ? 'hot' : 'ok'}`,
    ),
  ].join('\n');
const richTemp = (row: number) => `${(row % 2) * 10 + ((row * 7919) % 12)},5`;

test('what each column becomes is printed; a failed run leaves nothing behind and is repeated with the corrected file', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'my.csv');
  writeFileSync(file, rich('20.5'));
  const mine = ['new', 'mine', '--data', file, '--folder', join(folder, 'deep', 'mine')];
  const failed = await gapline(mine).ended;
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/my\.csv: line 9, column "temp": "20\.5" is no number with a decimal comma/);
  expect(readdirSync(folder)).toEqual(['my.csv']);

  writeFileSync(file, rich());
  const made = await gapline(mine).ended;
  expect(made.code).toBe(0);
  expect(made.stdout).toContain('left out  n: a counter, from 0 to 119; --keep "n" takes it as a value');
  expect(made.stdout).toContain('left out  site: text: 1 different in 120 of 120 rows');
  expect(made.stdout).toContain('numbers have a decimal comma (line 2, column "temp"');
  expect(made.stdout).toMatch(
    /model: accuracy .* on the 24 rows of test\.csv \(always predicting the most frequent label: 0\.500\)/,
  );
  expect(readFileSync(join(folder, 'deep/mine/stream.yaml'), 'utf8')).toContain('- temp');

  const trained = await gapline(['train', '--config', join(folder, 'deep/mine/stream.yaml')]).ended;
  expect(trained.code).toBe(0);
  expect(trained.stdout).toContain('left out  n: is not among data.fields');
  expect(trained.stdout).toContain('always predicting the most frequent label: 0.5000');
});

test('where several columns may be the label, a pipe gets the candidates; a guess that predicts nothing is refused', {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'my.csv');
  const mine = ['new', 'mine', '--data', file, '--folder', join(folder, 'mine')];
  const lines = Array.from({ length: 100 }, (_, row) => `${row % 3},${(row * 7919) % 101}.5,${(row * 31) % 4}`);
  writeFileSync(file, `mode,temp,size\n${lines.join('\n')}\n`);
  const asked = await gapline(mine).ended;
  expect(asked.code).toBe(1);
  expect(asked.stderr).toMatch(
    /several columns may be the label; name it with --truth, one of mode \(3 different: 0, 1, 2\), size/,
  );

  const random = mulberry32(3);
  const noise = Array.from({ length: 200 }, () => `${(random() * 100).toFixed(2)},${random() < 0.2 ? 'hot' : 'ok'}`);
  writeFileSync(file, `temp,state\n${noise.join('\n')}\n`);
  const refused = await gapline(mine).ended;
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/the guessed label column "state" cannot be predicted from the values/);
  const insisted = await gapline([...mine, '--truth', 'state']).ended;
  expect(insisted.code).toBe(0);
  expect(insisted.stdout).toContain('warning: always predicting the most frequent label is right as often');
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s while it trains leaves nothing behind',
  { timeout: 60_000 },
  async (signal) => {
    const folder = temporaryFolder();
    const file = join(folder, 'my.csv');
    writeFileSync(file, csv({ classes: 30, columns: 100, rows: 3_000, label: 'kind' }));
    const made = gapline(['new', 'mine', '--data', file, '--folder', join(folder, 'deep', 'mine')], { cwd: folder });
    await made.printed(/label column: kind/);
    made.kill(signal);
    expect((await made.ended).code).toBe(130);
    expect(readdirSync(folder)).toEqual(['my.csv']);
  },
);
