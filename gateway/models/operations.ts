import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import type { Model } from '../../core/model/model.ts';
import { championAlias } from '../../core/model/registry/port.ts';
import { promote } from '../../core/model/registry/promotion.ts';
import { nameSchema, type Operation, operation, wholeNumber } from '../http/operation.ts';
import { allows } from '../rights/allows.ts';
import type { TestRows } from '../stream.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { taskRefSchema } from '../tasks/view.ts';
import { labelledSchema, predictionsSchema, predictRow, rowsSchema } from './rows.ts';
import type { ServedStream, Streams } from './served.ts';
import { chooseBest, updateSchema, versionSchema, versionsOf } from './versions.ts';

export interface ModelParts {
  readonly streams: Streams;
  readonly tasks: Tasks;
  /** Starts a task that was added at once. */
  readonly wake: () => void;
}

const tag = 'models';
const streamSchema = nameSchema.optional().describe('may be left out where the gateway has one stream');
const ofRegistry = ['registry-unavailable', 'registry-refused'] as const;
const mostBytes = 10 << 20;
/** Rows that are labelled while the client waits; of more a task is made. */
const mostRowsAtOnce = 1_000;

/** What people do with models: look, predict, and choose which one serves. */
export function modelOperations(parts: ModelParts): Operation[] {
  return [predict(parts), sample(parts), models(parts), status(parts), update(parts)];
}

const predict = ({ streams, tasks, wake }: ModelParts): Operation =>
  operation({
    ...{
      method: 'post',
      path: '/predict',
      summary: `Label rows: up to ${mostRowsAtOnce} at once, more as a task`,
      tag,
    },
    ...{ needs: { resource: 'predictions', permission: 'create' }, limit: 'predict', mostBytes },
    body: z.strictObject({ stream: streamSchema, rows: rowsSchema }),
    replies: {
      200: { description: 'a label for each row', schema: predictionsSchema },
      202: { description: 'a task labels them', schema: taskRefSchema },
    },
    problems: ['not-found', 'body-too-large', 'tasks-full', 'model-unavailable', ...ofRegistry],
    async handle({ body: { stream: named, rows }, demand, user }) {
      const stream = streams.nameOf(named);
      demand({ resource: 'predictions', permission: 'create', stream });
      const served = streams.get(stream);
      if (rows.length <= mostRowsAtOnce)
        return { status: 200, body: await served.predicting((predict) => predict(rows)) };
      const id = tasks.add({ kind: 'predict', stream, user: user.id, request: { rows } });
      wake();
      return { status: 202, body: { id }, headers: { location: `/tasks/${id}` } };
    },
  });

const sampleSchema = z.strictObject({
  row: z.int().describe('of the test data, from 0'),
  values: z.record(z.string(), z.number().nullable()),
  truth: z.string().nullable(),
  model: z.strictObject({ name: z.string(), version: z.int() }),
  prediction: labelledSchema,
});

const sample = ({ streams }: ModelParts): Operation => {
  const cache = new WeakMap<Model, Promise<TestRows>>();
  const rowsFor = (served: ServedStream, model: Model): Promise<TestRows> => {
    const cached = cache.get(model) ?? served.stream.testRows(model);
    cache.set(model, cached);
    cached.catch(() => cache.delete(model));
    return cached;
  };
  return operation({
    ...{ method: 'get', path: '/predict/sample', summary: 'A row of the test data, and its label', tag },
    ...{ needs: { resource: 'samples', permission: 'predict' }, limit: 'sample' },
    query: z.strictObject({
      stream: streamSchema,
      row: wholeNumber(0, 999_999_999).optional().describe('default: one at random'),
    }),
    replies: { 200: { description: 'the row, its truth and its label', schema: sampleSchema } },
    problems: ['not-found', ...ofRegistry],
    async handle({ query, demand }) {
      const stream = streams.nameOf(query.stream);
      demand({ resource: 'samples', permission: 'predict', stream });
      const served = streams.get(stream);
      return await served.use(async (model) => {
        const { count, width, values, classes, labels } = await rowsFor(served, model);
        const row = query.row ?? Math.floor(Math.random() * count);
        if (row >= count) throw new HttpProblem('not-found', `the test data has ${count} rows`);
        const picked = values.slice(row * width, (row + 1) * width);
        const named = model.fields.map((name, column) => [name, numberOrNull(picked[column])] as const);
        const prediction = await predictRow(model, picked);
        const { name, version } = model.identity;
        const truth = classes[labels[row] ?? -1] ?? null;
        return {
          status: 200,
          body: { row, values: Object.fromEntries(named), truth, model: { name, version }, prediction },
        };
      });
    },
  });
};

const numberOrNull = (value = Number.NaN): number | null => (Number.isNaN(value) ? null : value);

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
      fields: z.array(z.string()),
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
      const described = await Promise.all(
        seen.map(async (served) => {
          const current = await served.current();
          return {
            stream: served.stream.name,
            model: current?.model ?? null,
            fields: [...(current?.fields ?? [])],
            classes: [...(current?.classes ?? [])],
          };
        }),
      );
      return {
        status: 200,
        body: { streams: described, tasks: tasks.unfinished(seen.map(({ stream: { name } }) => name)) },
      };
    },
  });

const update = ({ streams }: ModelParts): Operation =>
  operation({
    ...{ method: 'post', path: '/update', summary: 'Let the best version by a metric serve', tag },
    ...{ needs: { resource: 'champion', permission: 'move' }, limit: 'start', audit: 'update' },
    body: z.strictObject({
      stream: streamSchema,
      metric: z.enum(['accuracy', 'f1']).default('f1'),
      dryRun: z.boolean().default(false).describe('only say what would change'),
    }),
    replies: { 200: { description: 'the one before is `previous`', schema: updateSchema } },
    problems: ['not-found', ...ofRegistry],
    async handle({ body: { stream: named, metric, dryRun }, demand, user, note }) {
      const stream = streams.nameOf(named);
      note({ stream, metric, dryRun });
      demand({ resource: 'champion', permission: 'move', stream });
      const registry = streams.get(stream).stream.models;
      const versions = await versionsOf(registry);
      const from = (await registry.resolve(championAlias)) ?? null;
      const to = chooseBest(versions, metric, from);
      if (to === undefined)
        throw new HttpProblem('not-found', `stream ${stream} has no model yet; POST /train makes one`);
      note({ from: from ?? 0, to });
      if (!dryRun) await promote(registry, to, { who: user.name, by: `update by ${metric}` });
      return { status: 200, body: { from, to, metric, dryRun, versions } };
    },
  });
