import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';
import { identities, predictionsOf, recordsOf } from './identities.ts';

/** The example in a folder of its own, with its one version. */
function example(): string {
  const folder = temporaryFolder();
  cpSync(dirname(spambase), folder, { recursive: true });
  const models = join(folder, 'models/spambase');
  for (const extra of ['champion', 'challenger', 'previous', '2', '3'])
    rmSync(join(models, extra), { recursive: true, force: true });
  writeFileSync(join(models, 'champion'), '1\n');
  return join(folder, 'stream.yaml');
}

test('versions are listed, shown, compared, promoted when better, and rolled back', { timeout: 180_000 }, async () => {
  const config = example();
  const run = async (first: string, ...rest: string[]) => {
    return gapline(
      first === 'train' ? ['train', '--config', config, ...rest] : ['models', first, ...rest, '--config', config],
    ).ended;
  };
  const champion = () => readFileSync(join(dirname(config), 'models/spambase/champion'), 'utf8').trim();

  const trained = await run('train', '--set', 'training.imputer=gaussian', '--set', 'training.trees=50');
  expect(trained.stdout).toContain('version 1 still serves');
  const listed = await run('list');
  expect(listed.stdout).toMatch(/^1\t.*mean, forest\taccuracy 9\d\.\d\d %\tmacro F1 9\d\.\d\d %\tchampion, mean$/m);
  expect(listed.stdout).toMatch(/^2\t.*gaussian, forest\t/m);
  expect(JSON.parse((await run('show', 'champion')).stdout)).toMatchObject({ version: 1, imputer: { kind: 'mean' } });
  const { importance } = JSON.parse((await run('show', '2')).stdout);
  expect(Object.keys(importance)).toHaveLength(57);
  expect(Object.keys(importance).slice(0, 5)).toContain('char_freq_!');
  const compared = await run('compare');
  const atHalf = [...compared.stdout.matchAll(/^(\d) .*?(\d\.\d{4})$/gm)].map(([, , accuracy]) => Number(accuracy));
  expect(atHalf).toHaveLength(2);
  const [mean = Number.NaN, gaussian = Number.NaN] = atHalf;
  expect(gaussian).toBeGreaterThan(mean + 0.05);

  // At the configured share of gaps the mean is worse than the conditional mean, so the way back is refused.
  const half = ['--set', 'generator.gaps.rate=0.5'];
  expect((await run('promote', '2', '--if', 'f1', ...half)).code).toBe(0);
  expect(champion()).toBe('2');
  const refused = await run('promote', '1', '--if', 'f1', ...half);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/f1 of version 1 is .* %, of version 2 .* %.*\[model-refused\]\n$/);
  expect(champion()).toBe('2');
  expect((await run('rollback')).stdout).toContain('version 1 serves again');
  expect(champion()).toBe('1');

  expect((await run('challenge', '2')).stdout).toContain('version 2 labels in the shadow');
  expect((await run('list')).stdout).toMatch(/^2\t.*challenger/m);
  expect((await run('challenge', 'none')).code).toBe(0);
  const missing = await run('promote', '9');
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('there is no version 9');
});

test('another model in stream.yaml takes over while the line runs, and a broken file changes nothing', {
  timeout: 180_000,
}, async () => {
  const config = example();
  const data = temporaryFolder();
  const trained = await gapline([
    'train',
    '--config',
    config,
    '--set',
    'model.name=other',
    '--set',
    'training.trees=20',
  ]).ended;
  expect(trained.code).toBe(0);
  const line = gapline(['up', '--config', config, '--data', data, '--collector-port', '0', '--page-port', '0']);
  await line.printed(/POST/);
  const servedBy = async () => {
    const predictions = await predictionsOf(join(data, 'gapline.db'), 'spam_predictions');
    return new Set(predictions.map(({ model }) => model.name));
  };
  await eventually(async () => (await servedBy()).has('spambase'));
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace('model: { name: spambase', 'model: { nmae: spambase'));
  const refusals = async () =>
    (await recordsOf<{ lastError?: { message: string } }>(join(data, 'gapline.db'), 'spambase.status')).filter(
      (status) => status.lastError?.message.includes('did you mean name?'),
    );
  await eventually(async () => (await refusals()).length > 0);
  expect(await servedBy()).toEqual(new Set(['spambase']));
  writeFileSync(config, text.replace('model: { name: spambase', 'model: { name: other'));
  await eventually(async () => (await servedBy()).has('other'));
  line.kill('SIGTERM');
  expect((await line.ended).code).toBe(0);
  const taken = await recordsOf<{ device: string; time: string }>(join(data, 'gapline.db'), 'spam_data');
  const labelled = await predictionsOf(join(data, 'gapline.db'), 'spam_predictions');
  expect(new Set(identities(labelled)).size).toBe(labelled.length);
  expect(new Set(identities(labelled)).isSubsetOf(new Set(identities(taken)))).toBe(true);
});

test('a model of the library is imported, and the archive is trained from', { timeout: 180_000 }, async () => {
  const config = example();
  const data = temporaryFolder();
  const library = join(data, 'forest.json');
  const packed = readFileSync(join(dirname(config), 'models/spambase/1/forest.json.gz'));
  writeFileSync(library, gunzipSync(packed));
  const imported = await gapline(['models', 'import', library, '--config', config, '--impute', 'median']).ended;
  expect(imported.stdout).toContain('spambase version 2');
  const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];
  const run = await gapline([
    ...['up', '--config', config, '--data', data, '--labels', '300', '--set', 'generator.rate=0'],
    ...ports,
  ]).ended;
  expect(run.code).toBe(0);
  const trained = await gapline(['train', '--config', config, '--data', data, '--from', 'archive', '--range', '-1d'])
    .ended;
  expect(trained.code).toBe(0);
  expect(trained.stderr).toMatch(/^\d+ readings with truth; 0 have none/m);
  expect(trained.stdout).toContain('spambase version 3');
  const nothing = await gapline(['train', '--config', config, '--data', temporaryFolder(), '--from', 'archive']).ended;
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toContain('there are no readings');
});
