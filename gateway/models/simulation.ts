import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { describeError } from '../../core/wire/errors.ts';
import { generatorControlSchema, generatorStateSchema } from '../../core/wire/generator-control.ts';
import { readBody } from '../../core/wire/response-body.ts';
import { nameSchema, type Operation, operation } from '../http/operation.ts';
import type { GeneratorAddress } from '../stream.ts';
import type { Streams } from './served.ts';

const tag = 'simulation';
const needs = { resource: 'simulation', permission: 'control' } as const;
const timeoutMs = 5_000;
const mostBytes = 10_000;
const stream = nameSchema.optional().describe('may be left out where the gateway has one stream');

/** Starts and stops the generator of a stream, and sets its rate. */
export function simulationOperations({ streams }: { readonly streams: Streams }): Operation[] {
  return [look(streams), change(streams)];
}

const look = (streams: Streams): Operation =>
  operation({
    ...{
      method: 'get',
      path: '/simulate',
      summary: 'Whether the generator runs, and how fast',
      tag,
      needs,
      limit: 'read',
    },
    query: z.strictObject({ stream }),
    replies: { 200: { description: 'its state', schema: generatorStateSchema } },
    problems: ['not-found', 'generator-unavailable'],
    async handle({ query, demand }) {
      const name = streams.nameOf(query.stream);
      demand({ ...needs, stream: name });
      return { status: 200, body: await ask(addressOf(streams, name)) };
    },
  });

const change = (streams: Streams): Operation =>
  operation({
    ...{ method: 'post', path: '/simulate', summary: 'Start or stop the generator, or set its rate', tag, needs },
    ...{ limit: 'change', audit: 'simulate', body: generatorControlSchema.extend({ stream }) },
    replies: { 200: { description: 'its state after that', schema: generatorStateSchema } },
    problems: ['not-found', 'generator-unavailable'],
    async handle({ body: { stream: named, ...control }, demand, note }) {
      const name = streams.nameOf(named);
      note({ stream: name, control: JSON.stringify(control) });
      demand({ ...needs, stream: name });
      return { status: 200, body: await ask(addressOf(streams, name), control) };
    },
  });

function addressOf(streams: Streams, name: string): GeneratorAddress {
  const { generator } = streams.get(name).stream;
  if (generator) return generator;
  throw new HttpProblem('not-found', `stream ${name} names no generator: gateway.generator in its stream.yaml`);
}

async function ask({ url, token }: GeneratorAddress, control?: object) {
  try {
    const response = await fetch(new URL('/control', url), {
      method: control ? 'POST' : 'GET',
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(control && { 'content-type': 'application/json' }),
      },
      ...(control && { body: JSON.stringify(control) }),
    });
    const body = await readBody(response, mostBytes);
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return generatorStateSchema.parse(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw new HttpProblem(
      'generator-unavailable',
      `the generator does not answer as it should: ${describeError(error)}`,
      {
        retryAfterS: 5,
      },
    );
  }
}
