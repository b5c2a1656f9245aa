import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Guard } from '../core/access/guard.ts';
import { isSendersFault } from '../core/http/problem.ts';
import type { Model } from '../core/model/model.ts';
import { describeError, errorCatalog, isRetryable } from '../core/wire/errors.ts';
import type { Metrics } from './metrics.ts';
import type { ServedModel } from './served-model.ts';
import { BadRequest, describeModel, readRequest, writeResponse } from './tensors.ts';

export interface AppOptions {
  readonly served: ServedModel;
  readonly metrics: Metrics;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Lets holders of the scope `read` pass; health is open to everyone. */
  readonly guard: Guard;
  readonly tls: boolean;
}

/** An answer other than 200, as the protocol has it: `{ "error": … }`. */
class ProtocolError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const maxBodyBytes = 10 << 20;

/**
 * The Open Inference Protocol v2 over HTTP, not listening yet.
 * Source: https://github.com/kserve/open-inference-protocol, `specification/protocol/inference_rest.md`.
 */
export function createApp({ served, metrics, registry, logger, guard, tls }: AppOptions): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(helmet({ strictTransportSecurity: tls }));
  const ready = () => served.current !== undefined;

  /** The model of the path, which must be the one that answers. */
  function named(model: Model, { params }: Request): Model {
    const { name, version } = model.identity;
    const asked = params as { name: string; version?: string };
    if (asked.name !== name) throw new ProtocolError(404, `there is no model ${asked.name}; ${name} answers`);
    if (asked.version === undefined || asked.version === String(version)) return model;
    throw new ProtocolError(404, `version ${asked.version} of ${name} does not answer; version ${version} does`);
  }

  app.get('/v2/health/live', (_request, response) => void response.json({ live: true }));
  app.get('/v2/health/ready', (_request, response) => {
    response.status(ready() ? 200 : 503).json({ ready: ready() });
  });
  app.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  app.get('/ready', (_request, response) => {
    response.status(ready() ? 200 : 503).json({ status: ready() ? 'pass' : 'fail' });
  });
  const pass = guard('read');
  app.use(async (request, response, next) => {
    await pass(request, response);
    next();
  });
  app.get('/v2', (_request, response) => {
    response.json({ name: 'gapline', version: '2', extensions: [] });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get(path, async (request, response) => {
      response.json(await served.use(async (model) => describeModel(named(model, request))));
    });
    app.get(`${path}/ready`, async (request, response) => {
      response.json(await served.use(async (model) => ({ name: named(model, request).identity.name, ready: true })));
    });
    app.post(`${path}/infer`, express.json({ limit: maxBodyBytes, strict: true }), async (request, response) => {
      if (request.body === undefined)
        throw new ProtocolError(415, 'expected a JSON body with content-type application/json');
      response.json(await served.use((model) => infer(named(model, request), request.body)));
    });
    app.all(`${path}/infer`, (request, response) => {
      response.setHeader('allow', 'POST');
      throw new ProtocolError(405, `${request.method} is not allowed here, only POST is`);
    });
  }

  async function infer(model: Model, body: unknown) {
    const request = readRequest(body, model);
    const startedMs = performance.now();
    const answer = await model.open().predict(request.rows);
    metrics.inferred(request.rows.count, (performance.now() - startedMs) / 1_000);
    return writeResponse(model, request, answer);
  }

  app.use((request) => {
    throw new ProtocolError(404, `there is nothing at ${request.path.slice(0, 200)}; the protocol is under /v2`);
  });
  app.use(answerError(logger, metrics));
  return app;
}

/** express.json() tells of a bad body by errors that carry a status. */
interface BodyError extends Error {
  readonly status?: number;
  readonly type?: string;
}

const answerError =
  (logger: Logger, metrics: Metrics): ErrorRequestHandler =>
  (error: BodyError, _request, response: Response, next) => {
    if (response.headersSent) return next(error);
    const status = statusOf(error);
    if (status >= 500) logger.error({ err: error }, `a request failed: ${describeError(error)}`);
    metrics.failed(status);
    if (status === 503) response.setHeader('retry-after', '1');
    response.status(status).json({ error: explain(error, status) });
  };

function statusOf(error: BodyError): number {
  if (error instanceof BadRequest) return 400;
  if (error.status !== undefined) return error.status;
  if (isSendersFault(error)) return errorCatalog[error.code].status;
  return isRetryable(error) ? 503 : 500;
}

function explain(error: BodyError, status: number): string {
  if (error.type === 'entity.parse.failed') return `the body is not JSON: ${error.message}`;
  if (error.type === 'entity.too.large') return `the body is larger than ${maxBodyBytes} bytes`;
  return status === 500 ? 'the model failed' : error.message;
}
