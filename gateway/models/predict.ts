import { z } from 'zod';
import { nameSchema, type Operation, operation } from '../http/operation.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { taskRefSchema } from '../tasks/view.ts';
import { inputShape, isSmall } from './input.ts';
import { predictionsSchema } from './label.ts';
import type { Streams } from './served.ts';

export interface PredictParts {
  readonly streams: Streams;
  readonly tasks: Tasks;
  /** Starts a task that was added at once. */
  readonly wake: () => void;
}

const ofRegistry = ['registry-unavailable', 'registry-refused'] as const;
const mostBytes = 10 << 20;
const needs = { resource: 'predictions', permission: 'create' } as const;

/** Labels what a request has: at once where it is little, else as a task. */
export const predictOperation = ({ streams, tasks, wake }: PredictParts): Operation =>
  operation({
    ...{ method: 'post', path: '/predict', summary: 'Label rows or windows of samples; many become a task' },
    ...{ tag: 'models', needs, limit: 'predict', mostBytes },
    body: z
      .strictObject({
        stream: nameSchema.optional().describe('may be left out where the gateway has one stream'),
        ...inputShape,
      })
      .meta({ examples: [{ rows: [{}] }, { windows: [{ values: { x: [0.1, null, 0.3] } }], rate: 10 }] }),
    replies: {
      200: { description: 'a label for each row or window', schema: predictionsSchema },
      202: { description: 'a task labels them', schema: taskRefSchema },
    },
    problems: ['not-found', 'body-too-large', 'tasks-full', 'model-unavailable', ...ofRegistry],
    async handle({ body: { stream: named, ...input }, demand, user }) {
      const stream = streams.nameOf(named);
      demand({ ...needs, stream });
      const served = streams.get(stream);
      if (isSmall(input)) return { status: 200, body: await served.predicting((predict) => predict(input)) };
      const id = tasks.add({ kind: 'predict', stream, user: user.id, request: input });
      wake();
      return { status: 202, body: { id }, headers: { location: `/tasks/${id}` } };
    },
  });
