import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';
import { archivedIdentities, identities, predictionsOf, recordsOf } from './identities.ts';

test('a running line is backed up, and restored where nothing is yet', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  const [data, copy, state, stream] = [at('data'), at('copy'), at('state'), at('stream')] as const;
  const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];
  const up = (config: string, where: string, ...more: string[]) =>
    gapline(['up', '--config', config, '--data', where, ...ports, ...more]);
  const labelled = async (where: string) =>
    identities(await predictionsOf(join(where, 'gapline.db'), 'spam_predictions'));
  const run = (...args: string[]) => gapline(args, { cwd: folder }).ended;

  expect((await run('tokens', 'add', 'pumps', '--data', data)).code).toBe(0);
  const first = up(spambase, data);
  await first.printed(/POST/);
  await eventually(async () => (await labelled(data)).length >= 100);
  const made = await run('backup', '--config', spambase, '--data', data, '--to', copy);
  expect(made, made.stderr).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(join(copy, 'data')).filter((name) => !/\.(db|json)$/.test(name))).toEqual([]);
  const later = (await labelled(data)).length;
  await eventually(async () => (await labelled(data)).length > later);
  first.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
  const all = new Set(await labelled(data));
  expect((await run('backup', '--config', spambase, '--data', data, '--to', copy)).stderr).toMatch(/is there already/);

  const restored = await run('restore', copy, '--data', state, '--folder', stream);
  expect(restored, restored.stderr).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(join(state, 'tokens.json'))).toEqual(readFileSync(join(data, 'tokens.json')));
  expect(existsSync(join(stream, 'models/spambase/1/model.json'))).toBe(true);
  const kept = identities(await recordsOf<{ device: string; time: string }>(join(state, 'gapline.db'), 'spam_data'));
  expect(kept.length).toBeGreaterThanOrEqual(100);
  expect(new Set(kept).isSubsetOf(all)).toBe(true);
  expect(kept.length).toBeLessThan(all.size);
  const again = up(join(stream, 'stream.yaml'), state, '--no-generator');
  await again.printed(/POST/);
  const archived = () => archivedIdentities(join(state, 'gapline.db'), 'spambase');
  await eventually(
    async () => (await labelled(state)).length === kept.length && (await archived()).length === kept.length,
  );
  again.kill('SIGTERM');
  expect((await again.ended).code).toBe(0);
  expect((await labelled(state)).sort()).toEqual([...kept].sort());

  const twice = await run('restore', copy, '--data', state, '--folder', stream);
  expect(twice).toMatchObject({ code: 1, stdout: '' });
  expect(twice.stderr).toMatch(/is there already; restore into empty folders/);
  appendFileSync(join(copy, 'data/tokens.json'), ' ');
  const damaged = await run('restore', copy, '--data', join(folder, 'x'), '--folder', join(folder, 'y'));
  expect(damaged.stderr).toMatch(/data\/tokens\.json is damaged; nothing was restored/);
  expect(readdirSync(folder).sort()).toEqual(['copy', 'data', 'state', 'stream']);
});

test('what a simulator imports is backed up with it, and what lies elsewhere is named', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  const run = (...args: string[]) => gapline(args, { cwd: folder }).ended;
  mkdirSync(at('stream/parts'), { recursive: true });
  writeFileSync(
    at('stream/simulator.mjs'),
    `import { fields } from './parts/fields.mjs';
import { devices } from '../devices.mjs';
export default () => ({ fields, devices });`,
  );
  writeFileSync(at('stream/parts/fields.mjs'), `export * from './lost.mjs';\nexport const fields = ['a', 'b'];`);
  writeFileSync(at('devices.mjs'), `export const devices = ['d'];`);
  cpSync(join(dirname(spambase), 'models'), at('stream/models'), { recursive: true });
  writeFileSync(
    at('stream/stream.yaml'),
    `stream: spambase
data: { fields: [a, b] }
generator: { simulate: ./simulator.mjs }
`,
  );
  expect((await run('tokens', 'add', 'pumps', '--data', at('data'))).code).toBe(0);
  const log = new DatabaseSync(at('data/gapline.db'));
  log.close();

  const made = await run('backup', '--config', at('stream/stream.yaml'), '--data', at('data'), '--to', at('copy'));
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(made.stderr.trimEnd().split('\n')).toEqual([
    "not in the back-up: ../devices.mjs, which simulator.mjs imports; it lies outside of the stream's folder",
    `not in the back-up: ${join('parts', 'lost.mjs')}, which is missing`,
  ]);
  const restored = await run('restore', at('copy'), '--data', at('state'), '--folder', at('again'));
  expect(restored, restored.stderr).toMatchObject({ code: 0, stderr: '' });
  for (const name of ['simulator.mjs', 'parts/fields.mjs'])
    expect(readFileSync(at(`again/${name}`))).toEqual(readFileSync(at(`stream/${name}`)));
});

test('what was trained for MLflow and is not registered yet is backed up, its cache is not', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  const run = (...args: string[]) => gapline(args, { cwd: folder }).ended;
  const draft = 'models/.drafts/pumps/20260101T000000000Z-abcdef';
  for (const place of [draft, 'models/.drafts/pumps/.20260101T000000000Z-half', 'models/.mlflow/0123/files']) {
    mkdirSync(at(`stream/${place}`), { recursive: true });
    writeFileSync(at(`stream/${place}/model.json`), place);
  }
  writeFileSync(
    at('stream/stream.yaml'),
    'stream: pumps\ndata: { fields: [a] }\nmodel: { registry: mlflow, url: "http://127.0.0.1:1" }\n',
  );
  mkdirSync(at('data'));
  new DatabaseSync(at('data/gapline.db')).close();
  const made = await run('backup', '--config', at('stream/stream.yaml'), '--data', at('data'), '--to', at('copy'));
  expect(made, made.stderr).toMatchObject({ code: 0, stderr: '' });
  expect((await run('restore', at('copy'), '--data', at('state'), '--folder', at('again'))).code).toBe(0);
  const restored = readdirSync(at('again'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(restored.map(({ parentPath, name }) => join(parentPath, name)).toSorted()).toEqual([
    at(`again/${draft}/model.json`),
    at('again/stream.yaml'),
  ]);
});
