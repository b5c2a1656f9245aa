import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { startMlflow } from '../servers/mlflow.ts';
import { obtain } from '../servers/obtain.ts';
import type { ServerHandle } from '../servers/process.ts';
import { describeWithPython } from '../servers/python.ts';
import { mlflowLoginSupply } from '../servers/python-packages.ts';
import { type Ended, gapline, temporaryFolder } from './gapline.ts';
import { predictionsOf, recordsOf } from './identities.ts';
import { runHere, smallStream } from './small-stream.ts';

/** MLflow hashes a password twice for each request, on purpose slowly. */
const patient = { timeout: 240_000, interval: 250 };
const minutes = 60_000;

const login = { MLFLOW_TRACKING_USERNAME: 'ada', MLFLOW_TRACKING_PASSWORD: 'quite a long one' };
const token = { MLFLOW_TRACKING_TOKEN: 'of the line' };
const wrongLogin = { ...login, MLFLOW_TRACKING_PASSWORD: 'quite another one' };
const wrongToken = { MLFLOW_TRACKING_TOKEN: 'of nobody' };
const nothing = Object.fromEntries(Object.keys({ ...login, ...token }).map((name) => [name, undefined]));

describeWithPython('mlflow', 'MLflow with a login', (python) => {
  let server: ServerHandle;
  let folder: string;
  let file: string;
  let config: string;
  const allow = (given: string) => writeFileSync(file, given);
  beforeAll(async () => {
    const packages = await obtain(mlflowLoginSupply, (line) => console.error(`servers: ${line}`));
    const { MLFLOW_TRACKING_USERNAME: username, MLFLOW_TRACKING_PASSWORD: password } = login;
    folder = await mkdtemp(join(tmpdir(), 'gapline-login-'));
    file = join(folder, 'token');
    allow(token.MLFLOW_TRACKING_TOKEN);
    server = await startMlflow(python(), { username, password, file, packages });
  }, 5 * minutes);
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }, minutes);
  afterEach(() => void vi.unstubAllEnvs());

  /** The command of a person with these variables. */
  async function runAs(env: Readonly<Record<string, string | undefined>>, ...args: string[]) {
    for (const [name, value] of Object.entries({ ...nothing, ...env })) vi.stubEnv(name, value);
    return await runHere([...args, '--config', config]);
  }

  test('a token and a password by environment are taken, others refused in one line, and a line labels on', {
    timeout: 10 * minutes,
  }, async () => {
    config = smallStream(`, registry: mlflow, url: "${server.url}"`);
    const trained = await runAs(token, 'train', '--set', 'training.trees=5');
    expect(trained.stdout, trained.stderr).toMatch(/^mail version 1 in .*[\s\S]*it serves$/m);
    const listed = await runAs(login, 'models', 'list');
    expect(listed.stdout, listed.stderr).toMatch(/^1\t.*\tchampion$/m);
    for (const [env, advice] of [
      [wrongLogin, 'check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD'],
      [wrongToken, 'check MLFLOW_TRACKING_TOKEN'],
      [{}, 'set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN'],
    ] as const) {
      const { code, stderr } = await runAs(env, 'models', 'list');
      expect(code).toBe(1);
      expect(stderr).toMatch(/^MLflow at http:\S+ responds to GET \S+ with 401: .*\n$/);
      expect(stderr).toContain(`; ${advice} [registry-refused]`);
    }

    const data = temporaryFolder();
    const log = join(data, 'gapline.db');
    const start = (env: Readonly<Record<string, string | undefined>>) => {
      const ports = ['--collector-port', '0', '--page-port', '0'];
      return gapline(['up', '--config', config, '--data', data, ...ports], { env: { ...nothing, ...env } });
    };
    const labels = async () => (await predictionsOf(log, 'mail.predictions')).length;
    const lastComplaint = async () =>
      (await recordsOf<{ stage: string; lastError?: { message: string } }>(log, 'mail.status')).findLast(
        ({ stage }) => stage === 'classifier',
      )?.lastError?.message;
    const line = start(token);
    await line.printed(/POST/);
    await vi.waitFor(async () => expect(await labels()).toBeGreaterThan(0), patient);
    allow('another one now');
    await vi.waitFor(async () => expect(await lastComplaint()).toMatch(/401.*check MLFLOW_TRACKING_TOKEN/), patient);
    const before = await labels();
    await vi.waitFor(async () => expect(await labels()).toBeGreaterThan(before), patient);
    allow(token.MLFLOW_TRACKING_TOKEN);
    await vi.waitFor(async () => expect(await lastComplaint()).toBeUndefined(), patient);
    line.kill('SIGTERM');
    expect(await line.ended).toMatchObject({ code: 0 });

    // Its cache has the version; who is refused gets none of it.
    const refused: Ended = await start(wrongToken).ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr.trimEnd().split('\n').at(-1)).toMatch(/with 401: .*check MLFLOW_TRACKING_TOKEN/);
  });
});
