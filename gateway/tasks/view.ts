import { z } from 'zod';
import type { Users } from '../users/users.ts';
import { type Task, taskKinds, taskStates } from './tasks.ts';

export const taskRefSchema = z.strictObject({ id: z.uuid().describe('see /tasks/ID') });

export const taskSchema = z
  .strictObject({
    id: z.uuid(),
    kind: z.enum(taskKinds),
    stream: z.string(),
    user: z.string().nullable().describe('who made it'),
    state: z.enum(taskStates),
    created: z.iso.datetime(),
    started: z.iso.datetime().nullable(),
    ended: z.iso.datetime().nullable(),
    attempts: z.int().describe('more than one where a process died before the task was over'),
    cancelling: z.boolean(),
    progress: z.unknown().describe('of one that runs: `{ step, of, done, all }`'),
    result: z.unknown().describe('of one that is done'),
    reason: z.string().nullable().describe('why it failed'),
  })
  .meta({ title: 'Task' });

export function taskView({ user, request: _request, ...task }: Task, users: Users): z.infer<typeof taskSchema> {
  return { ...task, user: users.byId(user)?.name ?? null };
}
