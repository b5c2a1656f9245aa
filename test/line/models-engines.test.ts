import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleDraft } from '../../core/model/testing.ts';
import { startMlflow } from '../servers/mlflow.ts';
import type { ServerHandle } from '../servers/process.ts';
import { describeWithPython } from '../servers/python.ts';
import { eventually, gapline, temporaryFolder } from './gapline.ts';
import { predictionsOf, recordsOf } from './identities.ts';
import { fields, runHere, smallStream } from './small-stream.ts';

/** What every command for models does, whatever keeps them. The stream has no version yet. */
async function commandsContract(config: string): Promise<void> {
  const run = (first: string, ...rest: string[]) =>
    runHere(
      first === 'train' ? ['train', '--config', config, ...rest] : ['models', first, ...rest, '--config', config],
    );
  const namesOf = async (version: number) =>
    new RegExp(`^${version}\\t.*\\t(.*)$`, 'm')
      .exec((await run('list')).stdout)?.[1]
      ?.split(', ')
      .toSorted();

  const quick = ['--set', 'training.trees=20'];
  expect((await run('train', ...quick)).stdout).toMatch(/^mail version 1 in .*[\s\S]*it serves$/m);
  const trained = await run('train', '--set', 'training.imputer=gaussian', ...quick);
  expect(trained.stdout).toMatch(/^mail version 2 in .*[\s\S]*version 1 still serves$/m);
  const listed = await run('list');
  expect(listed.stdout).toMatch(/^1\t.*mean, forest\taccuracy 9\d\.\d\d %\tmacro F1 9\d\.\d\d %\tchampion$/m);
  expect(listed.stdout).toMatch(/^2\t.*gaussian, forest\t/m);
  expect(JSON.parse((await run('show', 'champion')).stdout)).toMatchObject({ version: 1, imputer: { kind: 'mean' } });
  const { importance } = JSON.parse((await run('show', '2')).stdout);
  expect(Object.keys(importance)).toHaveLength(fields.length);
  expect(Object.keys(importance).at(0)).toBe('char_freq_!');
  expect((await run('show', '2', '--importance')).stdout).toContain('char_freq_!');
  const compared = await run('compare');
  const atHalf = [...compared.stdout.matchAll(/^(\d) .*?(\d\.\d{4})$/gm)].map(([, , accuracy]) => Number(accuracy));
  expect(atHalf).toHaveLength(2);
  const [mean = Number.NaN, gaussian = Number.NaN] = atHalf;
  expect(gaussian).toBeGreaterThan(mean + 0.05);

  // At the configured share of gaps the mean is worse than the conditional mean, so the way back is refused.
  const half = ['--set', 'generator.gaps.rate=0.5'];
  expect((await run('promote', '2', '--if', 'f1', ...half)).code).toBe(0);
  expect(await namesOf(2)).toEqual(['champion']);
  const refused = await run('promote', '1', '--if', 'f1', ...half);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/f1 of version 1 is .* %, of version 2 .* %.*\[model-refused\]\n$/);
  expect(await namesOf(1)).toEqual(['previous']);
  expect((await run('rollback')).stdout).toContain('version 1 serves again');
  expect(await namesOf(1)).toEqual(['champion']);
  const history = (await run('history')).stdout.trimEnd().split('\n');
  expect(history).toEqual([
    expect.stringMatching(/^\S+\tnone → version 1\t/),
    expect.stringMatching(/^\S+\tversion 1 → version 2\t\S+\tf1 of version 2 is .* %, of version 1 .* %/),
    expect.stringMatching(/^\S+\tversion 2 → version 1\t\S+\trollback$/),
  ]);

  expect((await run('challenge', '2')).stdout).toContain('version 2 labels in the shadow');
  expect(await namesOf(2)).toEqual(['challenger', 'previous']);
  expect((await run('challenge', 'none')).code).toBe(0);
  const missing = await run('promote', '9');
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('there is no version 9');
  const library = join(temporaryFolder(), 'forest.json');
  const packed = (await sampleDraft({ fields, classes: ['ham', 'spam'] })).files.get('forest.json.gz');
  writeFileSync(library, gunzipSync(packed ?? ''));
  expect((await run('import', library, '--impute', 'median')).stdout).toContain('mail version 3');
  const { metrics } = JSON.parse((await run('show', '3')).stdout);
  expect(metrics).toMatchObject({ on: 'import', byGapRate: [{ rate: 0.1 }, { rate: 0.3 }, { rate: 0.5 }] });
  expect(metrics.reliability.length).toBeGreaterThan(0);
}

test('the commands for models do in a folder what they do in MLflow', { timeout: 300_000 }, async () => {
  await commandsContract(smallStream(''));
});

test('promoting refuses options that would be of no effect', { timeout: 60_000 }, async () => {
  const config = smallStream('');
  const exported = join(temporaryFolder(), 'exported');
  mkdirSync(exported);
  writeFileSync(join(exported, 'manifest.json'), '{}');
  for (const [options, told] of [
    [['--since', '1h'], /^--since stands with --if/],
    [
      ['--since', '1h', '--if', 'f1', '--data', exported],
      /^--data \S+ is an export, and --since judges by what the line/,
    ],
    [['--data', exported], /^--data \S+ is an export to judge on: it stands with --if/],
  ] as const) {
    const { code, stderr } = await runHere(['models', 'promote', '2', ...options, '--config', config]);
    expect(code).toBe(1);
    expect(stderr).toMatch(told);
  }
});

describeWithPython('mlflow', 'models in MLflow', (python) => {
  let server: ServerHandle;
  beforeAll(async () => {
    server = await startMlflow(python());
  }, 300_000);
  afterAll(() => server?.stop(), 60_000);

  test('the commands do there what they do in a folder', { timeout: 600_000 }, async () => {
    await commandsContract(smallStream(`, registry: mlflow, url: "${server.url}"`));
  });

  test('a line follows an alias that somebody moves there, and labels on while MLflow is unavailable', {
    timeout: 600_000,
  }, async () => {
    const config = smallStream(`, registry: mlflow, url: "${server.url}", experiment: line`);
    const own = ['--config', config, '--set', 'model.name=followed'];
    for (const seed of [1, 2]) {
      const trained = await runHere([
        ...['train', ...own, '--set', 'training.trees=10', '--set', `training.seed=${seed}`],
      ]);
      expect(trained.code, trained.stderr).toBe(0);
    }
    const data = temporaryFolder();
    const line = gapline(['up', ...own, '--data', data, '--collector-port', '0', '--page-port', '0']);
    await line.printed(/POST/);
    const log = join(data, 'gapline.db');
    const labelledBy = async (version: number) =>
      (await predictionsOf(log, 'mail.predictions')).filter(({ model }) => model.version === version).length;
    await eventually(async () => (await labelledBy(1)) > 0);
    const moved = await fetch(`${server.url}/api/2.0/mlflow/registered-models/alias`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'followed', alias: 'champion', version: '2' }),
    });
    expect(moved.status).toBe(200);
    await eventually(async () => (await labelledBy(2)) > 0);
    const history = await runHere(['models', 'history', ...own]);
    expect(history.stdout).toMatch(/^seen at \S+\tversion 1 → version 2\tmoved without Gapline/m);
    await server.kill();
    const complaints = async () =>
      (await recordsOf<{ lastError?: { message: string } }>(log, 'mail.status')).filter((status) =>
        status.lastError?.message.includes('MLflow at'),
      );
    await eventually(async () => (await complaints()).length > 0);
    const before = await labelledBy(2);
    await eventually(async () => (await labelledBy(2)) > before);
    line.kill('SIGTERM');
    expect((await line.ended).code).toBe(0);
    // A line that starts now takes the version from its cache.
    const atEnd = await labelledBy(2);
    const again = gapline(['up', ...own, '--data', data, '--collector-port', '0', '--page-port', '0']);
    await again.printed(/POST/);
    await eventually(async () => (await labelledBy(2)) > atEnd);
    await eventually(async () =>
      (await complaints()).some(({ lastError }) => lastError?.message.includes('version 2 serves from the cache')),
    );
    again.kill('SIGTERM');
    const restarted = await again.ended;
    expect(restarted.code).toBe(0);
    expect(restarted.stderr).toMatch(/version 2 is taken from the cache/);
    const away = await runHere(['models', 'list', ...own]);
    expect(away.code).toBe(1);
    expect(away.stderr).toMatch(/MLflow at http:\S+ cannot be reached.*\[registry-unavailable\]\n$/);
  });

  test('what was trained outlives MLflow and its own process, and is registered once', {
    timeout: 600_000,
  }, async () => {
    const config = smallStream(`, registry: mlflow, url: "${server.url}"`);
    const name = 'kept-pumps';
    const own = ['--config', config, '--set', `model.name=${name}`];
    const quick = ['--set', 'training.trees=10'];
    const drafts = join(config, '..', 'models', '.drafts', name);
    const kept = () => (existsSync(drafts) ? readdirSync(drafts).filter((each) => !each.startsWith('.')) : []);
    const versions = async () => (await runHere(['models', 'list', ...own])).stdout.split('\n').filter(Boolean);

    await server.kill();
    const failed = await runHere(['train', ...own, ...quick]);
    expect(failed.code).toBe(1);
    const [draft = 'none'] = kept();
    const sets = `--set model.name=${name} --set training.trees=10`;
    const command = `gapline models import ${join(drafts, draft)} --config ${config} ${sets}`;
    expect(failed.stderr).toContain(
      `what was trained is kept in ${join(drafts, draft)}; register it later: ${command}`,
    );
    expect(failed.stderr).toMatch(/\[registry-unavailable\]\n$/);
    await server.restart();
    const copy = join(temporaryFolder(), 'copy');
    cpSync(join(drafts, draft), copy, { recursive: true });
    const imported = await runHere(['models', 'import', join(drafts, draft), ...own]);
    expect(imported.stdout, imported.stderr).toMatch(/^kept-pumps version 1 in \S+; version 1 serves$/m);
    expect(kept()).toEqual([]);
    const again = await runHere(['models', 'import', join(drafts, draft), ...own]);
    expect(again.stderr).toContain(`${draft}: there is no such draft; one that was registered is removed`);
    expect(again.code).toBe(1);
    expect((await runHere(['models', 'import', copy, ...own])).stdout).toMatch(/version 1 in .*registered before/);
    expect(await versions()).toHaveLength(1);

    // A process that is killed while it registers, and MLflow: whether the version was made by then is not known.
    for (const [round, killed] of ['training', 'mlflow'].entries()) {
      const training = gapline(['train', ...own, ...quick, '--set', `training.seed=${round + 10}`]);
      let ended = false;
      void training.ended.then(() => {
        ended = true;
      });
      await eventually(() => ended || kept().length > 0);
      if (killed === 'training') training.kill('SIGKILL');
      else await server.kill();
      await training.ended;
      if (killed === 'mlflow') await server.restart();
      for (const folder of kept()) {
        const again = await runHere(['models', 'import', join(drafts, folder), ...own]);
        expect(again.code, again.stderr).toBe(0);
      }
      expect(kept()).toEqual([]);
      const listed = await versions();
      expect(listed).toHaveLength(round + 2);
      for (const line of listed) expect(line).toMatch(/\taccuracy \d/);
    }
  });
});
