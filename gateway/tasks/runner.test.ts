import { join } from 'node:path';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../storage/database.ts';
import { temporaryFolder } from '../testing/gateway.ts';
import { Users } from '../users/users.ts';
import { ProcessDied, Runner, type Work } from './runner.ts';
import { type TaskState, Tasks } from './tasks.ts';

function scene(run: Work['run']) {
  const database = openDatabase(join(temporaryFolder(), 'gateway.db'));
  const user = new Users(database).add('ann', 'a hash', []).id;
  const tasks = new Tasks({ database });
  const options = { kind: 'train', tasks, work: { run }, logger: pino({ level: 'silent' }), pollMs: 10 } as const;
  const runner = new Runner(options);
  runner.start();
  onTestFinished(async () => {
    await runner.stop();
    database.close();
  });
  const add = () => tasks.add({ kind: 'train', stream: 'pumps', user, request: {} });
  const becomes = (id: string, state: TaskState) =>
    expect.poll(() => tasks.byId(id)?.state, { timeout: 30_000, interval: 10 }).toBe(state);
  return { tasks, runner, add, becomes };
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new ProcessDied('it was ended'))));

test('tasks are done one after the other, with their results', async () => {
  let running = 0;
  const { tasks, add, becomes } = scene(async ({ id }) => {
    running += 1;
    expect(running).toBe(1);
    await new Promise(setImmediate);
    running -= 1;
    return { made: id };
  });
  const ids = [add(), add(), add()];
  for (const id of ids) {
    await becomes(id, 'done');
    expect(tasks.byId(id)).toMatchObject({ result: { made: id }, attempts: 1 });
  }
});

test('an error ends a task with its reason', async () => {
  const { tasks, add, becomes } = scene(() => Promise.reject(new Error('no rows')));
  const id = add();
  await becomes(id, 'failed');
  expect(tasks.byId(id)).toMatchObject({ reason: 'no rows', attempts: 1 });
});

test('a process that dies is begun again, three times in all', async () => {
  const { tasks, add, becomes } = scene(() => Promise.reject(new ProcessDied('killed')));
  const id = add();
  await becomes(id, 'failed');
  expect(tasks.byId(id)).toMatchObject({ reason: 'killed', attempts: 3 });
});

test('a task that runs is cancelled; what was made before it ended counts', async () => {
  const { tasks, runner, add, becomes } = scene(async ({ request }, { signal }) => {
    await untilAborted(signal).catch(() => {});
    if (JSON.stringify(request) === '{}') throw new ProcessDied('it was ended');
  });
  const id = add();
  await becomes(id, 'running');
  tasks.cancel(id);
  runner.cancel(id);
  await becomes(id, 'cancelled');
});

test('a runner that stops gives its task back, and the next one begins it again', async () => {
  const { tasks, runner, add, becomes } = scene((_task, { signal }) => untilAborted(signal));
  const id = add();
  await becomes(id, 'running');
  await runner.stop();
  expect(tasks.byId(id)).toMatchObject({ state: 'queued', attempts: 0 });
});
