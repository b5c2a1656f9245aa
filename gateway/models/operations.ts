import { z } from 'zod';
import { nameSchema, type Operation, operation } from '../http/operation.ts';
import { allows } from '../rights/allows.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { predictOperation } from './predict.ts';
import { sampleOperation } from './sample.ts';
import type { Streams } from './served.ts';
import { updateOperation } from './update.ts';
import { versionSchema, versionsOf } from './versions.ts';

export interface ModelParts {
  readonly streams: Streams;
  readonly tasks: Tasks;
  /** Starts a task that was added at once. */
  readonly wake: () => void;
}

const tag = 'models';
const ofRegistry = ['registry-unavailable', 'registry-refused'] as const;
const streamSchema = nameSchema.optional().describe('may be left out where the gateway has one stream');

/** What people do with models: look, predict, and choose which one serves. */
export function modelOperations(parts: ModelParts): Operation[] {
  return [predictOperation(parts), sampleOperation(parts), models(parts), status(parts), updateOperation(parts)];
}

const models = ({ streams }: ModelParts): Operation =>
  operation({
    ...{ method: 'get', path: '/models', summary: 'The versions of a model, with their aliases and metrics', tag },
    ...{ needs: { resource: 'models', permission: 'read' }, limit: 'read' },
    query: z.strictObject({ stream: streamSchema }),
    replies: { 200: { description: 'the newest last', schema: z.strictObject({ versions: z.array(versionSchema) }) } },
    problems: ['not-found', ...ofRegistry],
    async handle({ query, demand }) {
      const stream = streams.nameOf(query.stream);
      demand({ resource: 'models', permission: 'read', stream });
      return { status: 200, body: { versions: await versionsOf(streams.get(stream).stream.models) } };
    },
  });

const statusSchema = z.strictObject({
  streams: z.array(
    z.strictObject({
      stream: z.string(),
      model: z.strictObject({ name: z.string(), version: z.int() }).nullable().describe('null: none serves yet'),
      takes: z.enum(['rows', 'windows']).nullable().describe('what /predict labels'),
      fields: z.array(z.string()).describe('names of the values of a row, or of the samples of a window'),
      rate: z.number().nullable().describe('samples a second that the model was trained with'),
      windowSamples: z.int().nullable().describe('samples of a window, at that rate'),
      classes: z.array(z.string()),
    }),
  ),
  tasks: z.record(z.string(), z.int()).describe('how many are queued and running, of the streams that you see'),
});

const status = ({ streams, tasks }: ModelParts): Operation =>
  operation({
    ...{ method: 'get', path: '/status', summary: 'Streams, what serves them, and how busy the gateway is', tag },
    ...{ needs: { resource: 'status', permission: 'read' }, limit: 'read' },
    replies: { 200: { description: 'of the streams of your roles', schema: statusSchema } },
    async handle({ user }) {
      const seen = streams.all.filter(({ stream: { name } }) =>
        allows(user.grants, { resource: 'status', permission: 'read', stream: name }),
      );
      const none = { model: null, takes: null, fields: [], rate: null, windowSamples: null, classes: [] };
      const described = await Promise.all(
        seen.map(async (served) => ({ stream: served.stream.name, ...((await served.current()) ?? none) })),
      );
      return {
        status: 200,
        body: { streams: described, tasks: tasks.unfinished(seen.map(({ stream: { name } }) => name)) },
      };
    },
  });
