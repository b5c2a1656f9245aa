import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ModelSource } from '../core/model/model.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Stage } from '../core/wire/stage.ts';
import { createApp } from './app.ts';
import { createMetrics } from './metrics.ts';
import { createServedModel } from './served-model.ts';

export interface ServingOptions {
  /** The version that answers; where the source can be watched, a change is followed. */
  readonly models: ModelSource;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
}

/** How long `stop` waits for answers under way. */
const graceMs = 4_000;

/** Answers inference requests over HTTP with the same model and imputer as the line. */
export function createServing({
  models,
  logger,
  registry,
  host,
  port,
}: ServingOptions): Stage & { readonly url: string } {
  const served = createServedModel({ models, logger });
  const app = createApp({ served, metrics: createMetrics(registry), registry, logger });
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, app);
  const failed = new Promise<never>(() => {});
  let stopped: Promise<void> | undefined;

  function listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const hint =
          cause.code === 'EADDRINUSE'
            ? 'is in use; choose another port, or 0 for any free one'
            : 'cannot be listened on';
        reject(new GaplineError('port-in-use', `${host}:${port} ${hint}`, { cause }));
      });
      server.listen(port, host, resolve);
    });
  }

  async function shutDown(): Promise<void> {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    await new Promise((resolve) => (server.listening ? server.close(resolve) : resolve(undefined)));
    clearTimeout(cut);
    await served.stop();
  }

  return {
    async start() {
      await served.start();
      try {
        await listen();
      } catch (error) {
        await served.stop();
        throw error;
      }
    },
    stop() {
      stopped ??= shutDown();
      return stopped;
    },
    failed,
    get url() {
      const address = server.address() as AddressInfo | null;
      if (!address) throw new Error('the server does not listen');
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      return `http://${name}:${address.port}`;
    },
  };
}
