import express, { type Express, type Request, type Response, Router } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Guard } from '../core/access/guard.ts';
import type { Model } from '../core/model/model.ts';
import type { ServedModel } from '../core/model/served-model.ts';
import { shorten } from '../core/wire/problem.ts';
import { type DeviceRows, namesDevice } from './device-rows.ts';
import type { Metrics } from './metrics.ts';
import { maxBodyBytes, ProtocolError, protocolErrorHandler } from './protocol-error.ts';
import { describeModel, readDeviceRequest, readRequest, writeResponse } from './tensors.ts';

export interface AppOptions {
  readonly served: ServedModel;
  /** The state of the devices; undefined where the server follows no log. */
  readonly devices: DeviceRows | undefined;
  readonly metrics: Metrics;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Requests need the scope `read`; health is open to everyone. */
  readonly guard: Guard;
  /** Whether it is served over TLS. */
  readonly tls: boolean;
}

/**
 * The Open Inference Protocol v2 over HTTP, not listening yet.
 * Source: https://github.com/kserve/open-inference-protocol, `specification/protocol/inference_rest.md`.
 */
export function createApp({ served, devices, metrics, registry, logger, guard, tls }: AppOptions): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(helmet({ strictTransportSecurity: tls }));
  app.use(healthRoutes(served));
  const mayRead = guard('read');
  app.use(async (request, response, next) => {
    await mayRead(request, response);
    next();
  });
  app.get('/v2', (_request, response) => {
    response.json({ name: 'gapline', version: '2', extensions: [] });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  app.use(modelRoutes(served, devices, metrics));
  app.use((request) => {
    throw new ProtocolError(404, `there is nothing at ${request.path.slice(0, 200)}; the protocol is under /v2`);
  });
  app.use(protocolErrorHandler(logger, metrics));
  return app;
}

function healthRoutes(served: ServedModel): Router {
  const router = Router();
  const ready = () => served.current !== undefined;
  router.get('/v2/health/live', (_request, response) => void response.json({ live: true }));
  router.get('/v2/health/ready', (_request, response) => {
    response.status(ready() ? 200 : 503).json({ ready: ready() });
  });
  router.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  router.get('/ready', (_request, response) => {
    response.status(ready() ? 200 : 503).json({ status: ready() ? 'pass' : 'fail' });
  });
  return router;
}

function modelRoutes(served: ServedModel, devices: DeviceRows | undefined, metrics: Metrics): Router {
  const router = Router();
  const body = express.json({ limit: maxBodyBytes, strict: true });
  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    router.get(path, async (request, response) => {
      response.json(await served.use(async (model) => describeModel(checkName(model, request))));
    });
    router.get(`${path}/ready`, async (request, response) => {
      const name = await served.use(async (model) => checkName(model, request).identity.name);
      response.json({ name, ready: true });
    });
    router.post(`${path}/infer`, body, async (request, response) => {
      if (request.body === undefined)
        throw new ProtocolError(415, 'expected a JSON body with content-type application/json');
      const respond = namesDevice(request.body) ? inferOfDevice : infer;
      response.json(
        await served.use((model) => respond(checkName(model, request), request.body, { metrics, devices })),
      );
    });
    router.all(`${path}/infer`, (request, response: Response) => {
      response.setHeader('allow', 'POST');
      throw new ProtocolError(405, `${request.method} is not allowed here, only POST is`);
    });
  }
  return router;
}

/**
 * @returns the model, if the path names it
 * @throws {ProtocolError} 404 if the path names another model or version than the one that is served
 */
function checkName(model: Model, { params }: Request): Model {
  const { name, version } = model.identity;
  const wanted = params as { name: string; version?: string };
  if (wanted.name !== name)
    throw new ProtocolError(404, `there is no model ${shorten(wanted.name)}; ${name} is served`);
  if (wanted.version === undefined || wanted.version === String(version)) return model;
  throw new ProtocolError(404, `version ${shorten(wanted.version)} of ${name} is not served; version ${version} is`);
}

interface Context {
  readonly metrics: Metrics;
  readonly devices: DeviceRows | undefined;
}

async function inferOfDevice(model: Model, body: unknown, { metrics, devices }: Context) {
  const request = readDeviceRequest(body);
  if (!devices)
    throw new ProtocolError(
      400,
      'inputs "device": this server follows no log; start it with --log, or send the values',
    );
  const startedMs = performance.now();
  const { rows, output, time, facts } = await devices.predict(model, request.device, request.atNs);
  metrics.inferred(1, (performance.now() - startedMs) / 1_000);
  return writeResponse(model, { ...request, rows, origin: { time, facts } }, output);
}

async function infer(model: Model, body: unknown, { metrics }: Context) {
  const request = readRequest(body, model);
  const startedMs = performance.now();
  const output = await model.open().predict(request.rows);
  metrics.inferred(request.rows.count, (performance.now() - startedMs) / 1_000);
  return writeResponse(model, request, output);
}
