import { expect, test } from 'vitest';
import { TestGateway, temporaryFolder } from '../testing/gateway.ts';
import { makeStream } from '../testing/stream.ts';

test('the status has the version that serves, and how many tasks run and wait, of the streams that a user sees', async () => {
  const folder = temporaryFolder();
  const streams = [await makeStream(folder, 'pumps'), await makeStream(folder, 'motors', [])];
  // A training that takes as long as it may.
  const forever = 'setInterval(() => {}, 1_000)';
  const trainingCommand = () => ({ program: process.execPath, args: ['--eval', forever] });
  const gateway = await new TestGateway({ streams, trainingCommand }).start();
  const token = await gateway.admin();
  const status = async (as: string) => (await gateway.request('/status', { token: as })).body;
  expect((await status(token)).tasks).toEqual({ queued: 0, running: 0 });
  const ids: string[] = [];
  for (let task = 0; task < 2; task++)
    ids.push((await gateway.request('/train', { token, body: { stream: 'pumps' } })).body.id);
  await expect.poll(async () => (await status(token)).tasks, { timeout: 30_000 }).toEqual({ queued: 1, running: 1 });
  const none = { model: null, takes: null, fields: [], rate: null, windowSamples: null, classes: [] };
  const motors = { stream: 'motors', ...none };
  expect((await status(token)).streams).toMatchObject([
    { stream: 'pumps', model: { name: 'pumps', version: 1 }, takes: 'rows', fields: ['temperature', 'noise'] },
    motors,
  ]);
  const other = await gateway.user('mo', [{ role: 'viewer', stream: 'motors' }]);
  expect(await status(other)).toEqual({ streams: [motors], tasks: { queued: 0, running: 0 } });
  for (const id of ids) await gateway.request(`/tasks/${id}/cancel`, { method: 'POST', token });
  await expect.poll(async () => (await status(token)).tasks, { timeout: 30_000 }).toEqual({ queued: 0, running: 0 });
});
