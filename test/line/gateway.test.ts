import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gapline, type Process, temporaryFolder } from './gapline.ts';

// The command as people start it: trainings outlive their processes, and are done once.

const password = 'a password of the admin';

/** Two classes that the first of three columns tells apart. */
function makeStream(folder: string): string {
  const rows = Array.from(
    { length: 4_000 },
    (_, row) => `${(row * 37) % 100},${row % 11},${row % 13},${(row * 37) % 100 < 50 ? 'low' : 'high'}`,
  );
  writeFileSync(join(folder, 'rows.csv'), ['a,b,c,label', ...rows].join('\n'));
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, 'stream: levels\ndata: { train: rows.csv, truth: label }\ntraining: { trees: 300 }\n');
  return config;
}

class Client {
  readonly process: Process;
  readonly #url: string;
  readonly #token: string;

  constructor(process: Process, url: string, token: string) {
    this.process = process;
    this.#url = url;
    this.#token = token;
  }

  static async start(config: string, data: string): Promise<Client> {
    const process = gapline(['gateway', '--config', config, '--data', data, '--port', '0', '--log-level', 'error'], {
      env: { GAPLINE_ADMIN_PASSWORD: password },
    });
    const url = await process.printed(/gateway: (http\S+)/);
    const body = new URLSearchParams({ username: 'admin', password });
    const response = await fetch(`${url}/auth/jwt/login`, { method: 'POST', body });
    const { access_token: token } = (await response.json()) as { access_token: string };
    return new Client(process, url, token);
  }

  async request(path: string, body?: object) {
    const response = await fetch(this.#url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: bodies of every form
    return { status: response.status, body: (await response.json()) as any };
  }

  async becomes(id: string, state: string) {
    const task = async () => (await this.request(`/tasks/${id}`)).body;
    await expect.poll(async () => (await task()).state, { timeout: 120_000, interval: 200 }).toBe(state);
    return await task();
  }
}

/** Processes that train for this data. */
function trainings(data: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes('train-task') && line.includes(data))
    .map((line) => Number.parseInt(line, 10));
}

/** Versions that were published, with the task that made each. */
const madeBy = (folder: string): string[] => {
  const models = join(folder, 'models', 'levels');
  const versions = readdirSync(models).filter((name) => /^\d+$/.test(name));
  return versions.map(
    (name) => JSON.parse(readFileSync(join(models, name, 'model.json'), 'utf8')).lineage.options.task,
  );
};

test('a training is watched to its end, and its model serves; no secret is needed on the command line', async () => {
  const folder = temporaryFolder();
  const [config, data] = [makeStream(folder), join(folder, 'data')];
  const client = await Client.start(config, data);
  const { status, body } = await client.request('/train', { hyperparameters: { trees: 20 } });
  expect(status).toBe(202);
  const task = await client.becomes(body.id, 'done');
  expect(task.result).toMatchObject({ version: 1, champion: 1, task: body.id });
  expect(task.result.accuracy).toBeGreaterThan(0.9);
  const { body: labels } = await client.request('/predict', {
    rows: [
      { a: 1, b: 1, c: 1 },
      { a: 99, b: 1, c: 1 },
    ],
  });
  expect(labels.predictions.map(({ label }: { label: string }) => label)).toEqual(['low', 'high']);
  client.process.kill('SIGTERM');
  expect((await client.process.ended).code).toBe(0);
}, 180_000);

test('kill -9 of the training, and of the gateway: each task is done once', async () => {
  const folder = temporaryFolder();
  const [config, data] = [makeStream(folder), join(folder, 'data')];
  const first = await Client.start(config, data);
  const ids: string[] = [];
  for (let task = 0; task < 3; task++) ids.push((await first.request('/train', {})).body.id);
  const [one = '', two = '', three = ''] = ids;
  await expect.poll(() => trainings(data).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  for (const pid of trainings(data)) process.kill(pid, 'SIGKILL');
  expect(await first.becomes(one, 'done')).toMatchObject({ attempts: 2 });
  await expect.poll(() => trainings(data).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  first.process.kill('SIGKILL');
  await first.process.ended;
  const second = await Client.start(config, data);
  for (const id of [two, three]) await second.becomes(id, 'done');
  expect(madeBy(folder).sort()).toEqual([...ids].sort());
  second.process.kill('SIGTERM');
  expect((await second.process.ended).code).toBe(0);
}, 300_000);

test('a training that runs is cancelled, and its process ends', async () => {
  const folder = temporaryFolder();
  const [config, data] = [makeStream(folder), join(folder, 'data')];
  const client = await Client.start(config, data);
  const { body } = await client.request('/train', { hyperparameters: { trees: 5_000 } });
  await expect.poll(() => trainings(data).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  expect((await client.request(`/tasks/${body.id}/cancel`, {})).status).toBe(202);
  await client.becomes(body.id, 'cancelled');
  await expect.poll(() => trainings(data), { timeout: 30_000 }).toEqual([]);
}, 180_000);
