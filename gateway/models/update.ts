import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { championAlias } from '../../core/model/registry/port.ts';
import { promote } from '../../core/model/registry/promotion.ts';
import { type ErrorCode, GaplineError } from '../../core/wire/errors.ts';
import { nameSchema, type Operation, operation } from '../http/operation.ts';
import type { GatewayStream } from '../stream.ts';
import { checkedSchema, recheck } from './recheck.ts';
import type { Streams } from './served.ts';
import { type VersionView, versionSchema, versionsOf } from './versions.ts';

export const metrics = ['accuracy', 'f1'] as const;
type Metric = (typeof metrics)[number];

/** The newest versions are compared, and the one that serves: each has to be loaded. */
const mostCompared = 20;

const comparedSchema = z
  .strictObject({
    ...versionSchema.shape,
    checked: checkedSchema.nullable().describe('its figures on the test data now; null where there is none apart'),
    refused: z.string().nullable().describe('why it cannot be chosen: it does not load, or not take the test data'),
  })
  .meta({ title: 'ComparedVersion' });
type Compared = z.infer<typeof comparedSchema>;

const updateSchema = z.strictObject({
  from: z.int().nullable().describe('the version that served'),
  to: z.int().describe('the version that serves now, or would'),
  metric: z.enum(metrics),
  by: z
    .enum(['test', 'stored'])
    .describe('what decided: the test data, labelled anew by each version; or, without any, what each version states'),
  dryRun: z.boolean(),
  versions: z.array(comparedSchema),
});

/** Moves the champion to the best version. */
export const updateOperation = ({ streams }: { readonly streams: Streams }): Operation =>
  operation({
    ...{ method: 'post', path: '/update', summary: 'Let the best version by a metric serve', tag: 'models' },
    ...{ needs: { resource: 'champion', permission: 'move' }, limit: 'start', audit: 'update' },
    body: z.strictObject({
      stream: nameSchema.optional().describe('may be left out where the gateway has one stream'),
      metric: z.enum(metrics).default('f1'),
      dryRun: z.boolean().default(false).describe('only say what would change'),
    }),
    replies: { 200: { description: 'the one before is `previous`', schema: updateSchema } },
    problems: ['not-found', 'registry-unavailable', 'registry-refused'],
    async handle({ body: { stream: named, metric, dryRun }, demand, user, note }) {
      const name = streams.nameOf(named);
      note({ stream: name, metric, dryRun });
      demand({ resource: 'champion', permission: 'move', stream: name });
      const { stream } = streams.get(name);
      const registry = stream.models;
      const from = (await registry.resolve(championAlias)) ?? null;
      const versions = await compare(stream, from);
      const to = chooseBest(versions, metric, from);
      if (to === undefined) throw new HttpProblem('not-found', noChoice(name, versions));
      note({ from: from ?? 0, to });
      if (!dryRun) await promote(registry, to, { who: user.name, by: `update by ${metric}` });
      const by = stream.testIsApart ? 'test' : 'stored';
      return { status: 200, body: { from, to, metric, by, dryRun, versions } };
    },
  });

const noChoice = (name: string, versions: readonly Compared[]): string =>
  versions.length === 0
    ? `stream ${name} has no model yet; POST /train makes one`
    : `no version of stream ${name} can be used: ${versions.at(-1)?.refused}`;

/** What is wrong with a version, and not with the gateway or what it rests on. */
const refusable: readonly ErrorCode[] = ['model-invalid', 'model-missing', 'config-invalid', 'data-invalid'];

/** The newest versions and the one that serves, ascending, each with its figures on the same rows. */
async function compare(stream: GatewayStream, serves: number | null): Promise<Compared[]> {
  const all = await versionsOf(stream.models, Number.POSITIVE_INFINITY);
  const newest = all.slice(-mostCompared);
  const older = all.slice(0, -mostCompared).filter(({ version }) => version === serves);
  const compared: Compared[] = [];
  // One after the other: each holds a model in memory.
  for (const version of [...older, ...newest]) compared.push(await judge(stream, version));
  return compared;
}

async function judge(stream: GatewayStream, version: VersionView): Promise<Compared> {
  if (!stream.testIsApart) return { ...version, checked: null, refused: null };
  try {
    return { ...version, checked: await recheck(stream, version.version), refused: null };
  } catch (error) {
    // One that is broken must not keep the others from being chosen.
    if (!(error instanceof GaplineError) || !refusable.includes(error.code)) throw error;
    return { ...version, checked: null, refused: error.message };
  }
}

/** The version with the highest figure; of equals the one that serves, else the newest. */
export function chooseBest(versions: readonly Compared[], metric: Metric, serves: number | null): number | undefined {
  const usable = versions.filter(({ refused }) => refused === null);
  const figureOf = ({ checked, ...stored }: Compared): number => (checked ?? stored)[metric];
  const highest = Math.max(...usable.map(figureOf));
  const best = usable.filter((each) => figureOf(each) === highest).map(({ version }) => version);
  return best.find((version) => version === serves) ?? best.at(-1);
}
