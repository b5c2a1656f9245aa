import express, { type Express, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { explainForeignRequest } from '../core/http/origin.ts';
import { type Asset, sendAsset } from '../core/http/page-files.ts';
import { pageHeaders } from '../core/http/page-headers.ts';
import { HttpProblem, problemHandler } from '../core/http/problem.ts';
import { shorten } from '../core/wire/problem.ts';
import { methodCheck } from './http/method-check.ts';
import { openApiDocument } from './http/openapi.ts';
import { requestIds } from './http/request-id.ts';
import { createRouter, type RouterOptions } from './http/router.ts';

export interface AppOptions extends RouterOptions {
  readonly logger: Logger;
  readonly tls: boolean;
  readonly ready: () => boolean;
  readonly registry: Registry;
  /** Who may read metrics: programs, which have a token of `gapline tokens` and no user. */
  readonly mayReadMetrics: (request: Request, response: Response) => Promise<unknown>;
  /** By path. */
  readonly page: ReadonlyMap<string, Asset>;
}

/** The gateway's HTTP side, not listening yet. */
export function createApp({ logger, tls, ready, page, registry, mayReadMetrics, ...routes }: AppOptions): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(pageHeaders({ tls, sendsForms: false }), requestIds);
  app.use((request, _response, next) => {
    const foreign = explainForeignRequest(request.headers, { loopbackOnly: false });
    if (foreign !== undefined) throw new HttpProblem('forbidden', foreign);
    next();
  });
  app.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  app.get('/ready', (_request, response) => {
    response.status(ready() ? 200 : 503).json({ status: ready() ? 'pass' : 'fail' });
  });
  app.get('/metrics', async (request, response) => {
    await mayReadMetrics(request, response);
    response.type(registry.contentType).send(await registry.metrics());
  });
  for (const [path, asset] of page) app.get(path, (_request, response) => sendAsset(response, asset));
  const document = openApiDocument(routes.operations);
  app.get('/openapi.json', (_request, response) => void response.json(document));
  const readOnly = ['/health', '/ready', '/metrics', '/openapi.json', ...page.keys()];
  app.use(methodCheck(readOnly.map((path) => ({ method: 'GET', path }))));
  app.use(createRouter(routes));
  app.use((request) => {
    throw new HttpProblem('not-found', `there is no ${request.method} ${shorten(request.path)} here`);
  });
  app.use(problemHandler('the gateway', logger));
  return app;
}
