import { z } from 'zod';
import { factInputSchema } from '../core/wire/fact-input.ts';
import { longInputSchema } from '../core/wire/long-input.ts';
import { predictionSchema } from '../core/wire/prediction.ts';
import { problemSchema, problemType } from '../core/wire/problem.ts';
import { readingInputSchema } from '../core/wire/reading-input.ts';
import { samplesInputSchema } from '../core/wire/samples-input.ts';
import type { Stream } from '../core/wire/stream.ts';
import { maxTimeNs, precisions } from '../core/wire/time.ts';

/** The API of one stream's collector as an OpenAPI 3.1 document. */
export function openApiDocument({ stream, maxReadings }: { stream: Stream; maxReadings: number }): object {
  const rules = {
    fields: stream.fields,
    known: new Set(stream.fields),
    precision: 'ns',
    latest: maxTimeNs.toString(),
  } as const;
  return {
    openapi: '3.1.0',
    info: { title: `Gapline collector: ${stream.name}`, version: '1', license: { name: 'MIT' } },
    paths: {
      '/readings': { post: postReadings(maxReadings) },
      ...(stream.facts && { '/facts': { post: postFacts(maxReadings) } }),
      '/api/v2/write': { post: postLines() },
      '/health': { get: probe('whether the process runs', {}) },
      '/ping': {
        get: { summary: 'whether the process runs, as of InfluxDB', responses: { 204: { description: 'yes' } } },
      },
      '/ready': {
        get: probe('whether the log takes readings', { 503: response('it does not', 'application/json', {}) }),
      },
      '/metrics': {
        get: {
          summary: 'Prometheus metrics',
          responses: {
            200: response('text exposition', 'text/plain', { type: 'string' }),
            ...errorResponses([401, 403, 429], problemType, 'Problem'),
          },
        },
      },
      '/openapi.json': {
        get: {
          summary: 'this document',
          responses: {
            200: response('OpenAPI 3.1', 'application/json', {}),
            ...errorResponses([401, 403, 429], problemType, 'Problem'),
          },
        },
      },
    },
    security: [{}, { bearer: [] }],
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'needed where tokens were made; `Authorization: Token …`, as InfluxDB clients send it, works too',
        },
      },
      schemas: {
        Reading: z.toJSONSchema(readingInputSchema(rules), { io: 'input' }),
        LongReading: z.toJSONSchema(longInputSchema(rules), { io: 'input' }),
        Samples: z.toJSONSchema(samplesInputSchema(rules), { io: 'input' }),
        Prediction: z.toJSONSchema(predictionSchema),
        ...(stream.facts && {
          Fact: z.toJSONSchema(factInputSchema({ kinds: stream.facts, precision: 'ns' }), { io: 'input' }),
        }),
        Problem: z.toJSONSchema(problemSchema),
        InfluxError: {
          type: 'object',
          properties: { code: { type: 'string' }, message: { type: 'string' } },
          required: ['code', 'message'],
        },
      },
    },
  };
}

function postReadings(maxReadings: number): object {
  const reading = { $ref: '#/components/schemas/Reading' };
  const long = { $ref: '#/components/schemas/LongReading' };
  const samples = { $ref: '#/components/schemas/Samples' };
  const readings = {
    type: 'array',
    items: { anyOf: [reading, long, samples] },
    description: `at most ${maxReadings} readings and samples; more are 413`,
  };
  return {
    summary: 'Send readings',
    description:
      'The response comes once every reading is durable. Either all readings of a request are accepted, or none.',
    parameters: [precision('the unit of times that are integers'), wait],
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: { anyOf: [reading, long, samples, readings] } },
        'application/x-ndjson': {
          schema: { type: 'string', description: 'one reading, or one record of samples, on each line' },
        },
      },
    },
    responses: {
      200: response('with `wait`: all are durable, and all of them are labelled', 'application/json', {
        type: 'object',
        properties: {
          accepted: { type: 'integer', minimum: 0 },
          predictions: { type: 'array', items: { $ref: '#/components/schemas/Prediction' } },
        },
        required: ['accepted', 'predictions'],
        additionalProperties: false,
      }),
      202: response('all are durable', 'application/json', {
        type: 'object',
        properties: { accepted: { type: 'integer', minimum: 0 } },
        required: ['accepted'],
        additionalProperties: false,
      }),
      ...errorResponses([400, 401, 403, 408, 413, 415, 429, 503], problemType, 'Problem'),
    },
  };
}

function postFacts(maxFacts: number): object {
  const fact = { $ref: '#/components/schemas/Fact' };
  const facts = { type: 'array', items: fact, description: `at most ${maxFacts} facts; more are 413` };
  return {
    summary: 'Tell facts about devices',
    description:
      'The response comes once every fact is durable. Either all facts of a request are accepted, or none. A fact of the same subject, kind and from replaces the one before; null as its values deletes it.',
    parameters: [precision('the unit of times that are integers')],
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: { anyOf: [fact, facts] } },
        'application/x-ndjson': { schema: { type: 'string', description: 'one fact on each line' } },
      },
    },
    responses: {
      202: response('all are durable', 'application/json', {
        type: 'object',
        properties: { accepted: { type: 'integer', minimum: 0 } },
        required: ['accepted'],
        additionalProperties: false,
      }),
      ...errorResponses([400, 401, 403, 408, 413, 415, 429, 503], problemType, 'Problem'),
    },
  };
}

function postLines(): object {
  return {
    summary: 'Send line protocol, as to InfluxDB 2.7',
    description:
      'Lines that can be parsed and yet are no readings are refused alone: 400 with the refused ones, and the others are durable.',
    parameters: [
      precision('the unit of timestamps'),
      { name: 'org', in: 'query', required: false, description: 'ignored', schema: { type: 'string' } },
      { name: 'bucket', in: 'query', required: false, description: 'ignored', schema: { type: 'string' } },
    ],
    requestBody: { content: { 'text/plain': { schema: { type: 'string' } } } },
    responses: {
      204: { description: 'all are durable' },
      ...errorResponses([400, 401, 403, 408, 413, 415, 429, 503], 'application/json', 'InfluxError'),
    },
  };
}

const wait = {
  name: 'wait',
  in: 'query',
  required: false,
  description:
    'how long to wait for the labels of the readings, at most 30s: with all of them the response is 200, else 202. Needs the scope `read`, too.',
  schema: { type: 'string', pattern: '^(?:[0-9]|[12][0-9]|30)s$|^[0-9]{1,4}ms$' },
};

function precision(description: string): object {
  return { name: 'precision', in: 'query', required: false, description, schema: { enum: precisions, default: 'ns' } };
}

function probe(summary: string, more: object): object {
  const schema = { type: 'object', properties: { status: { enum: ['pass', 'warn', 'fail'] } }, required: ['status'] };
  return { summary, responses: { 200: response('yes', 'application/json', schema), ...more } };
}

function response(description: string, type: string, schema: object): object {
  return { description, content: { [type]: { schema } } };
}

const meanings: Record<number, string> = {
  400: 'the body or a reading in it is not valid; of JSON nothing was accepted',
  401: 'there is no token, or it is unknown',
  403: 'the token lacks the scope, or a page of another site sent the request',
  408: 'the request took too long to arrive',
  413: 'too many bytes or readings',
  415: 'the content type or encoding is not supported',
  429: 'too many requests; send again after Retry-After seconds',
  503: 'the readings cannot be made durable now; send again after Retry-After seconds',
};

function errorResponses(statuses: readonly number[], type: string, schema: string): Record<number, object> {
  const content = { [type]: { schema: { $ref: `#/components/schemas/${schema}` } } };
  return Object.fromEntries(statuses.map((status) => [status, { description: meanings[status], content }]));
}
