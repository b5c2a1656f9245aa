import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../storage/database.ts';
import { temporaryFolder } from '../testing/gateway.ts';
import { Users } from '../users/users.ts';
import { Tasks } from './tasks.ts';

let nowMs = 0;
let database: DatabaseSync;
let tasks: Tasks;
let user: string;

beforeEach(() => {
  nowMs = 1_000_000;
  database = openDatabase(join(temporaryFolder(), 'gateway.db'));
  user = new Users(database).add('ann', 'a hash', []).id;
  tasks = new Tasks({ database, mostQueued: 3, mostEnded: 2, leaseMs: 10_000, nowMs: () => nowMs });
  return () => database.close();
});

const add = (kind: 'train' | 'predict' = 'train') => tasks.add({ kind, stream: 'pumps', user, request: { trees: 5 } });

test('tasks are done in the order in which they were made, one of a kind at a time', () => {
  const [first, second, other] = [add(), add(), add('predict')];
  expect(tasks.claim('train', 'a')).toMatchObject({ id: first, state: 'running', attempts: 1, request: { trees: 5 } });
  expect(tasks.claim('train', 'b')).toBeUndefined();
  expect(tasks.claim('predict', 'b')?.id).toBe(other);
  expect(tasks.end(first, 'a', { state: 'done', result: { version: 1 } })).toBe(true);
  expect(tasks.byId(first)).toMatchObject({ state: 'done', result: { version: 1 }, ended: expect.any(String) });
  expect(tasks.claim('train', 'b')?.id).toBe(second);
  expect(tasks.unfinished(['pumps'])).toEqual({ queued: 0, running: 2 });
  expect(tasks.unfinished(['motors'])).toEqual({ queued: 0, running: 0 });
});

test('a lease that is not renewed runs out; then another takes the task over, and the first can no longer end it', () => {
  const id = add();
  tasks.claim('train', 'a');
  nowMs += 9_000;
  expect(tasks.renew(id, 'a', { done: 1 })).toBe(true);
  nowMs += 9_000;
  expect(tasks.claim('train', 'b')).toBeUndefined();
  nowMs += 1_001;
  expect(tasks.claim('train', 'b')).toMatchObject({ id, attempts: 2, progress: { done: 1 } });
  expect(tasks.renew(id, 'a')).toBe(false);
  expect(tasks.end(id, 'a', { state: 'failed', reason: 'late' })).toBe(false);
  expect(tasks.byId(id)?.state).toBe('running');
  expect(tasks.end(id, 'b', { state: 'done', result: 1 })).toBe(true);
});

test('a claim that is given back is no attempt, unless it was one', () => {
  const id = add();
  tasks.claim('train', 'a');
  tasks.release(id, 'a');
  expect(tasks.byId(id)).toMatchObject({ state: 'queued', attempts: 0 });
  tasks.claim('train', 'a');
  tasks.release(id, 'a', true);
  expect(tasks.byId(id)).toMatchObject({ state: 'queued', attempts: 1 });
});

test('a queued task is cancelled at once, a running one is to end, and one that is over stays as it is', () => {
  const [running, queued] = [add(), add()];
  tasks.claim('train', 'a');
  tasks.cancel(queued);
  tasks.cancel(running);
  expect(tasks.byId(queued)?.state).toBe('cancelled');
  expect(tasks.byId(running)).toMatchObject({ state: 'running', cancelling: true });
  tasks.end(running, 'a', { state: 'cancelled' });
  expect(() => tasks.cancel(running)).toThrow(expect.objectContaining({ code: 'task-ended' }));
});

test('so many wait, and so many that are over are kept', () => {
  const ids = [add(), add(), add()];
  expect(() => add()).toThrow(expect.objectContaining({ code: 'tasks-full', retryAfterS: 60 }));
  for (const id of ids) {
    tasks.claim('train', 'a');
    tasks.end(id, 'a', { state: 'done', result: 1 });
  }
  expect(tasks.list(10).map(({ id }) => id)).toEqual([ids[2], ids[1]]);
});

test('what is large of a prediction goes when it is over: the request at once, the result with time', () => {
  tasks = new Tasks({ database, nowMs: () => nowMs });
  const ids = Array.from({ length: 21 }, () => {
    const id = add('predict');
    tasks.claim('predict', 'a');
    tasks.end(id, 'a', { state: 'done', result: { predictions: [] } });
    return id;
  });
  expect(tasks.byId(ids[0] ?? '')).toMatchObject({
    request: null,
    result: null,
    reason: expect.stringContaining('removed'),
  });
  expect(tasks.byId(ids[1] ?? '')).toMatchObject({ request: null, result: { predictions: [] }, reason: null });
});
