import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Guard } from '../core/access/guard.ts';
import { HttpProblem, problemHandler, sendError, sendProblem, toHttpProblem } from '../core/http/problem.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { shorten } from '../core/wire/problem.ts';
import type { ReadingRules } from '../core/wire/reading-input.ts';
import type { Stream } from '../core/wire/stream.ts';
import { isPrecision, nanosecondsOfMs, type Precision } from '../core/wire/time.ts';
import { type BodyLimits, type Room, readText } from './body.ts';
import type { GroupCommit } from './group-commit.ts';
import { recordsOfLines } from './line-protocol/endpoint.ts';
import type { CollectorMetrics, Door } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { bodyForm, recordsOfBody } from './readings-endpoint.ts';

export interface AppOptions {
  readonly stream: Stream;
  readonly deviceTag: string;
  readonly maxReadings: number;
  /** How far ahead of the collector's clock a reading's time may be. */
  readonly maxAheadMs: number;
  readonly body: BodyLimits;
  readonly room: Room;
  readonly guard: Guard;
  readonly groups: GroupCommit;
  readonly metrics: CollectorMetrics;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly ready: () => Promise<Readiness>;
  readonly nowMs: () => number;
  readonly tls: boolean;
}

/** What `/ready` says; `warn` is still ready. */
export interface Readiness {
  readonly status: 'pass' | 'warn' | 'fail';
  readonly output?: string;
}

/** The collector's HTTP API, not listening yet. */
export function createApp(options: AppOptions): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.post('/readings', postReadings(options));
  app.post('/api/v2/write', postLines(options));
  // After the doors of devices: their answers are no pages, and a dozen headers each would cost more than the check of a reading.
  app.use(helmet({ strictTransportSecurity: options.tls }));
  app.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  app.get('/ready', async (_request, response) => {
    const readiness = await options.ready();
    response.status(readiness.status === 'fail' ? 503 : 200).json(readiness);
  });
  app.get('/metrics', async (request, response) => {
    await options.guard('read')(request, response);
    response.type(options.registry.contentType).send(await options.registry.metrics());
  });
  const document = JSON.stringify(openApiDocument(options));
  app.get('/openapi.json', async (request, response) => {
    await options.guard('read')(request, response);
    response.type('application/json').send(document);
  });
  for (const [path, allowed] of methods) {
    app.all(path, (request, response) => {
      response.setHeader('allow', allowed);
      throw new HttpProblem('method-not-allowed', `${request.method} is not allowed at ${path}, only ${allowed} is`);
    });
  }
  app.use((request) => {
    throw new HttpProblem(
      'not-found',
      `there is nothing at ${shorten(request.path)}; /openapi.json says what there is`,
    );
  });
  app.use(problemHandler('the collector', options.logger));
  return app;
}

const methods: readonly (readonly [string, string])[] = [
  ['/readings', 'POST'],
  ['/api/v2/write', 'POST'],
  ['/health', 'GET, HEAD'],
  ['/ready', 'GET, HEAD'],
  ['/metrics', 'GET, HEAD'],
  ['/openapi.json', 'GET, HEAD'],
];

type Handler = (
  request: IncomingMessage & { query: Record<string, unknown> },
  response: ServerResponse,
) => Promise<void>;

function postReadings(options: AppOptions): Handler {
  const rulesFor = rulesOf(options);
  const guard = options.guard('write');
  return async (request, response) => {
    try {
      await guard(request, response);
      const form = bodyForm(request);
      const precision = precisionOf(request.query.precision);
      const text = await readText(request, options.body, options.room);
      const receivedMs = options.nowMs();
      const { records } = recordsOfBody({
        text,
        form,
        rules: rulesFor(precision, receivedMs),
        stream: options.stream.name,
        received: nanosecondsOfMs(receivedMs),
        maxReadings: options.maxReadings,
      });
      if (records.length > 0) await options.groups.add(records);
      options.metrics.taken('readings', 202, records.length, 0);
      const body = `{"accepted":${records.length}}`;
      // With its length known, head and body leave in one write.
      response.writeHead(202, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    } catch (error) {
      sendProblem(response, problemOfError(error, 'readings', options));
    }
  };
}

function postLines(options: AppOptions): Handler {
  const rulesFor = rulesOf(options);
  const arrival = uniqueArrivals(options.nowMs);
  const guard = options.guard('write');
  return async (request, response) => {
    try {
      await guard(request, response);
      const precision = precisionOf(request.query.precision);
      const text = await readText(request, options.body, options.room);
      const receivedMs = options.nowMs();
      const { records, ignoredFields } = recordsOfLines({
        text,
        rules: rulesFor(precision, receivedMs),
        stream: options.stream.name,
        deviceTag: options.deviceTag,
        received: nanosecondsOfMs(receivedMs),
        arrival,
        maxReadings: options.maxReadings,
      });
      if (records.records.length > 0) await options.groups.add(records.records);
      options.metrics.taken('line-protocol', 204, records.records.length, ignoredFields);
      response.writeHead(204).end();
    } catch (error) {
      sendInfluxError(response, problemOfError(error, 'line-protocol', options));
    }
  };
}

function rulesOf({ stream, maxAheadMs }: AppOptions): (precision: Precision, nowMs: number) => ReadingRules {
  const known = new Set(stream.fields);
  return (precision, nowMs) => ({
    fields: stream.fields,
    known,
    precision,
    latest: nanosecondsOfMs(nowMs + maxAheadMs),
  });
}

function precisionOf(value: unknown): Precision {
  if (value === undefined || value === '') return 'ns';
  if (typeof value === 'string' && isPrecision(value)) return value;
  throw new HttpProblem('reading-invalid', 'invalid precision; valid precision units are ns, us, ms, and s');
}

/** Times of arrival in nanoseconds, each later than the one before, so that no two readings are one point. */
function uniqueArrivals(nowMs: () => number): () => string {
  let last = 0n;
  return () => {
    const now = BigInt(nanosecondsOfMs(nowMs()));
    last = now > last ? now : last + 1n;
    return last.toString();
  };
}

function problemOfError(error: unknown, door: Door, { metrics, logger }: AppOptions): HttpProblem {
  const problem = logUnavailable(error) ?? toHttpProblem(error, 'the collector');
  metrics.refused(door, problem.status);
  if (problem.code === 'internal') logger.error({ err: error }, 'a request failed');
  return problem;
}

/** Senders read that the log is unavailable, and not which server of it refused what. */
function logUnavailable(error: unknown): HttpProblem | undefined {
  if (!(error instanceof GaplineError) || error instanceof HttpProblem || error.code !== 'log-unavailable')
    return undefined;
  const detail = 'the log did not confirm the readings; send them again';
  return new HttpProblem('log-unavailable', detail, { retryAfterS: 2, cause: error });
}

/** The code words of InfluxDB's own error answers, by status. */
const influxCodes: Record<number, string> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  413: 'request too large',
  415: 'invalid',
  429: 'too many requests',
  503: 'unavailable',
};

/** Answers as InfluxDB 2.7 does. */
function sendInfluxError(response: ServerResponse, problem: HttpProblem): void {
  const code = influxCodes[problem.status] ?? 'internal error';
  response.setHeader('x-platform-error-code', code);
  sendError(response, problem, 'application/json; charset=utf-8', JSON.stringify({ code, message: problem.message }));
}
