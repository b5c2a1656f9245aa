import type { Server } from 'node:http';
import express from 'express';
import type { Registry } from 'prom-client';
import { explainListen, type Startable } from './run.ts';

export interface ProbesOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** Rejects while the stage cannot work. */
  readonly ready: () => Promise<unknown>;
  readonly onListening?: (url: string) => void;
}

/** `/health`, `/ready` and `/metrics` of a stage that has no other door. */
export function createProbes({ host, port, registry, ready, onListening }: ProbesOptions): Startable {
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
  let server: Server | undefined;
  return {
    async start() {
      server = await new Promise<Server>((resolve, reject) => {
        const listening = app.listen(port, host, (error) =>
          error ? reject(explainListen(error, '--port')) : resolve(listening),
        );
      });
      const address = server.address();
      if (address && typeof address === 'object') onListening?.(`http://${host}:${address.port}`);
    },
    async stop() {
      const closing = server;
      server = undefined;
      closing?.closeAllConnections();
      await new Promise<void>((resolve) => (closing ? closing.close(() => resolve()) : resolve()));
    },
  };
}
