import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { temporaryFolder } from './gapline.ts';
import { GatewayClient, madeBy, trainings } from './gateway-client.ts';

// The command as people start it: trainings outlive their processes, and are done once.

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

test('a training is watched to its end, and its model serves; no secret is needed on the command line', async () => {
  const folder = temporaryFolder();
  const [config, data] = [makeStream(folder), join(folder, 'data')];
  const client = await GatewayClient.start(config, data);
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
  expect(await client.end('SIGTERM')).toBe(0);
}, 180_000);

test('kill -9 of the training, and of the gateway: each task is done once', async () => {
  const folder = temporaryFolder();
  const [config, data] = [makeStream(folder), join(folder, 'data')];
  const first = await GatewayClient.start(config, data);
  const ids: string[] = [];
  for (let task = 0; task < 3; task++) ids.push((await first.request('/train', {})).body.id);
  const [one = '', two = '', three = ''] = ids;
  await expect.poll(() => trainings(data).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  for (const pid of trainings(data)) process.kill(pid, 'SIGKILL');
  expect(await first.becomes(one, 'done')).toMatchObject({ attempts: 2 });
  await expect.poll(() => trainings(data).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  await first.end('SIGKILL');
  const second = await GatewayClient.start(config, data);
  for (const id of [two, three]) await second.becomes(id, 'done');
  const made = await madeBy(openRegistry({ folder: join(folder, 'models'), name: 'levels' }));
  expect(made.sort()).toEqual([...ids].sort());
  expect(await second.end('SIGTERM')).toBe(0);
}, 300_000);

test('a training that runs is cancelled, and its process ends', async () => {
  const folder = temporaryFolder();
  const [config, data] = [makeStream(folder), join(folder, 'data')];
  const client = await GatewayClient.start(config, data);
  const { body } = await client.request('/train', { hyperparameters: { trees: 5_000 } });
  await expect.poll(() => trainings(data).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  expect((await client.request(`/tasks/${body.id}/cancel`, {})).status).toBe(202);
  await client.becomes(body.id, 'cancelled');
  await expect.poll(() => trainings(data), { timeout: 30_000 }).toEqual([]);
}, 180_000);
