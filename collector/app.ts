import type { RequestListener } from 'node:http';
import { parse } from 'node:querystring';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { Registry } from 'prom-client';
import type { DirectHandler } from '../core/http/direct-connections.ts';
import { HttpProblem, problemHandler } from '../core/http/problem.ts';
import { sendReply } from '../core/http/reply.ts';
import { shorten } from '../core/wire/problem.ts';
import { createDirectHandler } from './direct.ts';
import type { EndpointHandler, Query } from './endpoint.ts';
import { type FactsOptions, factsEndpoint } from './facts/endpoint.ts';
import { type LineProtocolOptions, lineProtocolEndpoint } from './line-protocol/endpoint.ts';
import { influxErrorReply } from './line-protocol/influx-error.ts';
import { openApiDocument } from './openapi.ts';
import { readingsEndpoint } from './readings/endpoint.ts';

export interface AppOptions extends LineProtocolOptions, FactsOptions {
  /** What `/metrics` responds with, in Prometheus' text format. */
  readonly exposition: () => Promise<string>;
  readonly ready: () => Promise<Readiness>;
  /** Whether it is served over TLS. */
  readonly tls: boolean;
}

/** The response of `/ready`; `warn` is still ready. */
export interface Readiness {
  readonly status: 'pass' | 'warn' | 'fail';
  readonly output?: string;
}

/** Handles requests that node:http has read, and those that need nothing of it. */
export interface Handlers {
  readonly handler: RequestListener;
  readonly direct: DirectHandler;
}

/**
 * The collector's HTTP API, not listening yet. Requests of devices are told by their address as it is; everything else, and an address
 * that is written otherwise, goes through Express.
 */
export function createHandlers(options: AppOptions): Handlers {
  const readings = readingsEndpoint(options);
  const lines = lineProtocolEndpoint(options);
  const endpoints: Readonly<Record<string, EndpointHandler>> = {
    '/readings': readings.handle,
    '/facts': factsEndpoint(options),
    '/api/v2/write': lines.handle,
  };
  const app = createApp(options, endpoints);
  const readAddress = createAddressReader();
  const handler: RequestListener = (request, response) => {
    const { path, query } = readAddress(request.url ?? '');
    const endpoint = request.method === 'POST' && Object.hasOwn(endpoints, path) && endpoints[path];
    if (!endpoint) return app(request, response);
    void endpoint(request, response, query);
  };
  const direct = new Map([
    ['/readings', readings.direct],
    ['/api/v2/write', lines.direct],
  ]);
  return { handler, direct: createDirectHandler(options, direct, readAddress) };
}

const noQuery: Query = {};

interface RequestAddress {
  /** Empty where the address has a fragment, which no path of ours is. */
  readonly path: string;
  readonly query: Query;
}

/** Reads addresses, and keeps the last one: devices send to the same one with each reading. */
function createAddressReader(): (url: string) => RequestAddress {
  let last = '';
  let address: RequestAddress = { path: '', query: noQuery };
  return (url) => {
    if (url === last) return address;
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    address = { path: url.includes('#') ? '' : path, query: end < 0 ? noQuery : parse(url.slice(end + 1)) };
    last = url;
    return address;
  };
}

function createApp(options: AppOptions, endpoints: Readonly<Record<string, EndpointHandler>>): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  for (const [path, endpoint] of Object.entries(endpoints))
    app.post(path, (request, response) => endpoint(request, response, request.query));
  // After the endpoints of devices: no browser shows their responses, and a dozen headers each would cost more than the check of a reading.
  app.use(helmet({ strictTransportSecurity: options.tls }));
  // As InfluxDB's clients expect them: some look at these before they write.
  app.get('/health', (_request, response) => void response.json({ name: 'gapline', status: 'pass' }));
  app.get('/ping', (_request, response) => void response.status(204).set('x-influxdb-build', 'gapline').end());
  app.get('/ready', async (_request, response) => {
    const readiness = await options.ready();
    response.status(readiness.status === 'fail' ? 503 : 200).json(readiness);
  });
  const mayRead = options.guard('read');
  app.get('/metrics', async (request, response) => {
    await mayRead(request, response);
    response.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await options.exposition());
  });
  const document = JSON.stringify(openApiDocument(options));
  app.get('/openapi.json', async (request, response) => {
    await mayRead(request, response);
    response.type('application/json').send(document);
  });
  for (const [path, allowed] of methods) {
    app.all(path, (request, response) => {
      response.setHeader('allow', allowed);
      throw new HttpProblem('method-not-allowed', `${request.method} is not allowed at ${path}, only ${allowed} is`);
    });
  }
  app.all('/api/v2/query', (_request, response) => {
    const problem = new HttpProblem('not-found', noQueries);
    sendReply(response, influxErrorReply(problem));
  });
  app.use((request) => {
    throw new HttpProblem(
      'not-found',
      `there is nothing at ${shorten(request.path)}; /openapi.json lists what there is`,
    );
  });
  app.use(problemHandler('the collector', options.logger));
  return app;
}

const noQueries =
  'the collector takes readings and holds none; ask InfluxDB for what is archived, and GET /predictions of the live page for labels';

const methods: readonly (readonly [string, string])[] = [
  ['/readings', 'POST'],
  ['/facts', 'POST'],
  ['/api/v2/write', 'POST'],
  ['/health', 'GET, HEAD'],
  ['/ping', 'GET, HEAD'],
  ['/ready', 'GET, HEAD'],
  ['/metrics', 'GET, HEAD'],
  ['/openapi.json', 'GET, HEAD'],
];
