import express, { type Express, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type Access, allows } from '../core/access/access.ts';
import type { Guard, OriginCheck } from '../core/access/guard.ts';
import type { Sessions } from '../core/access/sessions.ts';
import { type Asset, sendAsset } from '../core/http/page-files.ts';
import { pageHeaders } from '../core/http/page-headers.ts';
import { HttpProblem, problemHandler } from '../core/http/problem.ts';
import { shorten } from '../core/wire/problem.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { Pages } from './assets.ts';
import { type Controls, controlsRouter, type ModelOption } from './controls.ts';
import type { VersionView } from './events.ts';
import type { Figures } from './figures/figures.ts';
import { eventHeaders, type Live } from './live.ts';
import type { PredictionsOut } from './predictions/routes.ts';
import { askForToken, signInRouter, stillAllowed } from './sign-in.ts';

export interface AppOptions {
  readonly stream: Stream;
  readonly pages: Pages;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly figures: Figures;
  readonly live: Live;
  readonly predictions: PredictionsOut;
  readonly logger: Logger;
  readonly access: Access;
  readonly guard: Guard;
  readonly checkOrigin: OriginCheck;
  readonly sessions: Sessions;
  readonly registry?: Registry | undefined;
  readonly controls?: Controls | undefined;
  readonly describeVersion?: DescribeVersion | undefined;
  readonly tls: boolean;
}

/** What is known of a version of the model; undefined where there is none of this number. */
export type DescribeVersion = (version: number) => Promise<VersionView | undefined>;

/** The live page's HTTP side, not listening yet. */
export function createApp(options: AppOptions): Express {
  const { stream, pages, assets, figures, live, logger, access, guard, checkOrigin, sessions, registry, controls } =
    options;
  const app = express().disable('x-powered-by').set('query parser', 'simple');
  const signInPage = (message: string) => pages.signIn(stream.name, message);
  const mayRead = guard('read');
  const readers: RequestHandler = async (request, response, next) => {
    await mayRead(request, response);
    next();
  };
  app.use(pageHeaders({ tls: options.tls, sendsForms: true }));
  for (const [path, asset] of assets) app.get(path, (_request, response) => sendAsset(response, asset));
  app.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  app.get('/ready', (_request, response) => sendReadiness(response, figures));
  app.use(signInRouter({ guard, checkOrigin, sessions, page: signInPage }));
  app.get('/', async (request, response) => {
    try {
      const holder = await mayRead(request, response);
      const mayControl = controls !== undefined && (holder === undefined || allows(holder, 'admin'));
      const gapRate = mayControl ? figures.gapRate : null;
      const models = mayControl ? await optionsOf(controls, logger) : [];
      const hasSession = holder !== undefined;
      const fieldCount = stream.fields.length;
      const { hasWindows, hasDuel } = figures;
      const hasAlerts = stream.alerts !== undefined;
      const hasFacts = stream.facts !== undefined;
      const facts = { fieldCount, gapRate, models, hasSession, hasWindows, hasDuel, hasAlerts, hasFacts };
      sendAsset(response, pages.live({ stream: stream.name, ...facts }));
    } catch (error) {
      askForToken(error, request, response, signInPage);
    }
  });
  // Express takes HEAD for GET, and an answer without a body has to end.
  app.head('/events', readers, (_request, response) => {
    response.writeHead(200, eventHeaders).end();
  });
  app.get('/events', readers, (request, response) => {
    if (live.isFull) throw new HttpProblem('page-busy', 'as many pages as allowed are open', { retryAfterS: 5 });
    live.add(response, () => stillAllowed(request, access, sessions));
  });
  app.get('/stats', readers, (_request, response) => {
    response.set('cache-control', 'no-store').json(figures.snapshot());
  });
  app.get('/window', readers, ({ query: { device, field = stream.fields[0] } }, response) => {
    const view = figures.windowOf(String(device), String(field));
    if (!view)
      throw new HttpProblem('not-found', 'no window of this device and field is known; see /stats for their names');
    response.set('cache-control', 'no-store').json(view);
  });
  app.get('/model', readers, async ({ query }, response) => {
    const version = Number(query.version);
    if (!Number.isSafeInteger(version)) throw new HttpProblem('not-found', 'name a version: /model?version=NUMBER');
    const unknown: VersionView = { version, estimator: null, importance: null };
    response.set('cache-control', 'no-store').json((await options.describeVersion?.(version)) ?? unknown);
  });
  app.use(options.predictions.router(readers, (request) => stillAllowed(request, access, sessions)));
  if (registry) {
    app.get('/metrics', readers, async (_request, response) => {
      response.type(registry.contentType).send(await registry.metrics());
    });
  }
  if (controls) app.use(controlsRouter({ controls, figures, guard }));
  app.use((request) => {
    throw new HttpProblem('not-found', `there is no ${request.method} ${shorten(request.path)} here`);
  });
  app.use(problemHandler('the live page', logger));
  return app;
}

/** The page is there even if the registry cannot be read. */
async function optionsOf({ models }: Controls, logger: Logger): Promise<readonly ModelOption[]> {
  try {
    return (await models?.options()) ?? [];
  } catch (error) {
    logger.warn({ err: error }, 'The live page offers no choice of a model');
    return [];
  }
}

function sendReadiness(response: Response, { trouble }: Figures): void {
  if (trouble === null) response.json({ status: 'pass' });
  else response.status(503).json({ status: 'fail', output: trouble });
}
