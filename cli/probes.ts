import express from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Listener } from '../core/http/listener.ts';
import { explainListen, type Startable } from './run.ts';

export interface ProbesOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** Rejects while the stage cannot work. */
  readonly ready: () => Promise<unknown>;
  readonly logger: Logger;
  readonly onListening?: (url: string) => void;
}

const timeouts = { headersTimeoutMs: 10_000, requestTimeoutMs: 10_000 };

/** `/health`, `/ready` and `/metrics` of a stage that has no other endpoint. */
export function createProbes({ host, port, registry, ready, logger, onListening }: ProbesOptions): Startable {
  const app = express().disable('x-powered-by');
  app.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  app.get('/ready', async (_request, response) => {
    const up = await ready().then(
      () => true,
      () => false,
    );
    response.status(up ? 200 : 503).json({ status: up ? 'pass' : 'fail' });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  const listener = new Listener({ host, port, ...timeouts, logger });
  return {
    async start() {
      await listener.start(app).catch((error: unknown) => {
        throw explainListen(error, '--port');
      });
      onListening?.(listener.url);
    },
    stop: () => listener.stop(),
  };
}
