import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { explainForeignRequest } from '../core/http/origin.ts';
import { type Asset, sendAsset } from '../core/http/page-files.ts';
import { pageHeaders } from '../core/http/page-headers.ts';
import { HttpProblem, problemHandler } from '../core/http/problem.ts';
import { shorten } from '../core/wire/problem.ts';
import { openApiDocument } from './http/openapi.ts';
import { requestIds } from './http/request-id.ts';
import { createRouter, type RouterOptions } from './http/router.ts';

export interface AppOptions extends RouterOptions {
  readonly logger: Logger;
  readonly tls: boolean;
  readonly ready: () => boolean;
  /** By path. */
  readonly page: ReadonlyMap<string, Asset>;
}

/** The gateway's HTTP side, not listening yet. */
export function createApp({ logger, tls, ready, page, ...routes }: AppOptions): Express {
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
  for (const [path, asset] of page) app.get(path, (_request, response) => sendAsset(response, asset));
  const document = openApiDocument(routes.operations);
  app.get('/openapi.json', (_request, response) => void response.json(document));
  for (const path of ['/health', '/ready', '/openapi.json', ...page.keys()]) app.all(path, onlyGet);
  app.use(createRouter(routes));
  app.use((request) => {
    throw new HttpProblem('not-found', `there is no ${request.method} ${shorten(request.path)} here`);
  });
  app.use(problemHandler('the gateway', logger));
  return app;
}

const onlyGet: RequestHandler = (request, response) => {
  response.setHeader('allow', 'GET');
  throw new HttpProblem('method-not-allowed', `${request.method} is not allowed here, only GET is`);
};
