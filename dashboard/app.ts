import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type ErrorCode, errorCatalog, GaplineError } from '../core/wire/errors.ts';
import { problemOf, problemType, shorten } from '../core/wire/problem.ts';
import type { Asset } from './assets.ts';
import { type Controls, controlsRouter } from './controls.ts';
import type { Figures } from './figures/figures.ts';
import type { Live } from './live.ts';

export interface AppOptions {
  /** The page as it is to be sent now. */
  readonly page: () => Asset;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly figures: Figures;
  readonly live: Live;
  readonly logger: Logger;
  readonly registry?: Registry | undefined;
  readonly controls?: Controls | undefined;
  /** Answers only requests for a name of this machine, which a page of another site cannot make (DNS rebinding). */
  readonly localOnly: boolean;
}

/** The live page's HTTP side, not listening yet. */
export function createApp({ page, assets, figures, live, logger, registry, controls, localOnly }: AppOptions): Express {
  const app = express().disable('x-powered-by').set('query parser', 'simple');
  app.use(securityHeaders);
  if (localOnly) app.use(localNamesOnly);
  app.get('/', (_request, response) => sendAsset(response, page()));
  for (const [path, asset] of assets) app.get(path, (_request, response) => sendAsset(response, asset));
  app.get('/events', (_request, response) => {
    if (live.isFull) throw new GaplineError('page-busy', 'as many pages as allowed are open', { retryable: true });
    live.add(response);
  });
  app.get('/stats', (_request, response) => void response.set('cache-control', 'no-store').json(figures.snapshot()));
  app.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  app.get('/ready', (_request, response) => {
    const { trouble } = figures;
    if (trouble === null) response.json({ status: 'pass' });
    else response.status(503).json({ status: 'fail', output: trouble });
  });
  if (registry) {
    app.get('/metrics', async (_request, response) => {
      response.type(registry.contentType).send(await registry.metrics());
    });
  }
  if (controls) app.use(controlsRouter(controls, figures));
  app.use((request) => {
    throw new GaplineError('not-found', `there is no ${request.method} ${shorten(request.path)} here`);
  });
  app.use(answerProblem(logger));
  return app;
}

/** Nothing from another host, no inline script, no frame around the page. Plain HTTP stays possible: the default is loopback. */
const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'"],
      'connect-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
      'require-trusted-types-for': ["'script'"],
    },
  },
  strictTransportSecurity: false,
});

const localName = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

const localNamesOnly: RequestHandler = (request, _response, next) => {
  const host = request.get('host') ?? '';
  if (!localName.test(host)) {
    throw new GaplineError('origin-refused', `this page listens on loopback and does not answer as ${shorten(host)}`);
  }
  next();
};

function sendAsset(response: Response, { type, etag, body }: Asset): void {
  response.set({ 'content-type': type, 'cache-control': 'no-cache', etag }).send(body);
}

function answerProblem(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const { code, detail } = understood(error);
    if (code === 'internal') logger.error({ err: error, path: request.path }, 'The live page failed to answer');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status } = errorCatalog[code];
    if (status === 503) response.set('retry-after', '5');
    response
      .status(status)
      .type(problemType)
      .send(JSON.stringify(problemOf(code, detail)));
  };
}

/** What an error means to whoever asked. The body parser's errors carry a `status`; nothing else thrown here does. */
function understood(error: unknown): { code: ErrorCode; detail: string } {
  if (error instanceof GaplineError) return { code: error.code, detail: error.message };
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return { code: 'body-too-large', detail: 'a control takes less than a kilobyte' };
  if (status === 415) return { code: 'media-type-unsupported', detail: 'send application/json in UTF-8' };
  if (status === 400) return { code: 'body-malformed', detail: 'the body is not JSON' };
  return { code: 'internal', detail: 'the live page failed; its log says why' };
}
