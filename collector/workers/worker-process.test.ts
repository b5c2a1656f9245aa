import { spawn } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { silent } from '../testing.ts';
import { WorkerProcess } from './worker-process.ts';

const program = `
  process.send({ kind: 'listening', url: 'http://127.0.0.1:1' });
  const figures = { status: { counters: {} }, metrics: [] };
  setInterval(() => process.send({ kind: 'figures', figures }), 20);
  process.on('message', ({ kind }) => kind === 'stop' && process.exit(0));
  process.on('disconnect', () => process.exit(1));`;

test.runIf(process.platform !== 'win32')('a worker that hangs is ended, and another one takes its place', async () => {
  let ended = 0;
  const worker = new WorkerProcess({
    ...{ slot: 1, logger: silent, received: () => {}, silentMs: 1_000 },
    start: () => spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    ended: () => {
      ended += 1;
    },
  });
  await worker.start(0);
  const first = worker.pid;
  if (first === undefined) throw new Error('the worker did not start');
  process.kill(first, 'SIGSTOP');
  await vi.waitUntil(() => worker.pid !== undefined && worker.pid !== first, { timeout: 30_000 });
  expect(ended).toBe(1);
  // The one before is gone.
  expect(() => process.kill(first, 0)).toThrow('ESRCH');
  await worker.stop(10_000);
  expect(ended).toBe(2);
});
