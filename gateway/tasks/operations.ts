import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { validate } from '../../core/wire/validate.ts';
import { type Call, nameSchema, type Operation, operation, wholeNumber } from '../http/operation.ts';
import type { Streams } from '../models/served.ts';
import { allows } from '../rights/allows.ts';
import type { Users } from '../users/users.ts';
import { type Task, type Tasks, taskStates } from './tasks.ts';
import { trainRequestSchema } from './training.ts';
import { taskRefSchema, taskSchema, taskView } from './view.ts';

export interface TaskParts {
  readonly streams: Streams;
  readonly tasks: Tasks;
  readonly users: Users;
  /** Starts a task that was added at once. */
  readonly wake: () => void;
  /** Ends a task that runs in this process. */
  readonly cancelRunning: (id: string) => void;
}

const tag = 'tasks';
/** Of all tasks, so many are looked at for those that a user may see. */
const mostSearched = 1_000;

/** What takes long: started here, and watched until its end. */
export function taskOperations(parts: TaskParts): Operation[] {
  return [train(parts), show(parts), list(parts), cancel(parts)];
}

const train = ({ streams, tasks, wake }: TaskParts): Operation =>
  operation({
    ...{ method: 'post', path: '/train', summary: 'Train the next version of a model', tag },
    ...{ needs: { resource: 'training', permission: 'start' }, limit: 'start', audit: 'train' },
    body: trainRequestSchema.extend({
      stream: nameSchema.optional().describe('may be left out where the gateway has one stream'),
    }),
    replies: { 202: { description: 'queued; one training runs at a time', schema: taskRefSchema } },
    problems: ['not-found', 'tasks-full'],
    handle({ body: { stream: named, ...request }, demand, user, note }) {
      const stream = streams.nameOf(named);
      note({ stream });
      demand({ resource: 'training', permission: 'start', stream });
      check(() => streams.get(stream).stream.checkTraining(request.hyperparameters));
      const id = tasks.add({ kind: 'train', stream, user: user.id, request });
      note({ task: id });
      wake();
      return { status: 202, body: { id }, headers: { location: `/tasks/${id}` } };
    },
  });

/** Options that do not go together are the client's mistake here. */
function check(look: () => void): void {
  try {
    look();
  } catch (error) {
    if (error instanceof GaplineError && error.code === 'config-invalid')
      throw new HttpProblem('request-invalid', error.message);
    throw error;
  }
}

const show = (parts: TaskParts): Operation =>
  operation({
    ...{ method: 'get', path: '/tasks/{id}', summary: 'What became of a task', tag },
    ...{ needs: { resource: 'tasks', permission: 'read' }, limit: 'read' },
    replies: { 200: { description: 'the task', schema: taskSchema } },
    problems: ['not-found'],
    handle: (call) => ({ status: 200, body: taskView(find(parts, call, 'read'), parts.users) }),
  });

const list = ({ tasks, users }: TaskParts): Operation =>
  operation({
    ...{ method: 'get', path: '/tasks', summary: 'The newest tasks, without their results', tag },
    ...{ needs: { resource: 'tasks', permission: 'read' }, limit: 'read' },
    query: z.strictObject({
      state: z.enum(taskStates).optional(),
      limit: wholeNumber(1, mostSearched).default(100),
    }),
    replies: { 200: { description: 'the newest first', schema: z.strictObject({ tasks: z.array(taskSchema) }) } },
    handle({ query: { state, limit }, user }) {
      const seen = tasks
        .list(mostSearched)
        .filter((task) => state === undefined || task.state === state)
        .filter(({ stream, user: maker }) =>
          allows(user.grants, { resource: 'tasks', permission: 'read', stream, own: maker === user.id }),
        );
      return { status: 200, body: { tasks: seen.slice(0, limit).map((task) => taskView(task, users)) } };
    },
  });

const cancel = (parts: TaskParts): Operation =>
  operation({
    ...{ method: 'post', path: '/tasks/{id}/cancel', summary: 'Cancel a task', tag },
    ...{ needs: { resource: 'tasks', permission: 'cancel' }, limit: 'change', audit: 'cancel task' },
    replies: { 202: { description: 'cancelled, or about to be', schema: taskSchema } },
    problems: ['not-found', 'task-ended'],
    handle(call) {
      const task = find(parts, call, 'cancel');
      call.note({ task: task.id, stream: task.stream });
      parts.tasks.cancel(task.id);
      parts.cancelRunning(task.id);
      return { status: 202, body: taskView(parts.tasks.byId(task.id) ?? task, parts.users) };
    },
  });

function find({ tasks }: TaskParts, { path, demand, user }: Call, permission: 'read' | 'cancel'): Task {
  const { success, data } = validate(z.uuid(), path.id);
  const task = success ? tasks.byId(data) : undefined;
  if (!task) throw new HttpProblem('not-found', 'there is no task of this id');
  demand({ resource: 'tasks', permission, stream: task.stream, own: task.user === user.id });
  return task;
}
