import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Access } from '../core/access/access.ts';
import { createGuard, type RateLimits } from '../core/access/guard.ts';
import { demandTokens } from '../core/access/surroundings.ts';
import { readTls, renewTls, type TlsFiles } from '../core/access/tls.ts';
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
  /** Who may ask: holders of the scope `read`. Default: everyone. Where it is given and open, the server listens on loopback only. */
  readonly access?: Access;
  /** Requests a minute. Default: any number. */
  readonly rateLimits?: RateLimits;
  /** Certificate and key of a TLS door; both are taken anew when they change. */
  readonly tls?: TlsFiles;
}

/** How long `stop` waits for answers under way. */
const graceMs = 4_000;

/** Answers inference requests over HTTP with the same model and imputer as the line. */
export function createServing(options: ServingOptions): Stage & { readonly url: string } {
  const { models, logger, registry, host, port, tls, rateLimits = {} } = options;
  const access = options.access ?? new Access({ logger });
  const served = createServedModel({ models, logger });
  const guard = createGuard({ access, host, limits: rateLimits });
  const app = createApp({ served, metrics: createMetrics(registry), registry, logger, guard, tls: tls !== undefined });
  const timing = { requestTimeout: 30_000, headersTimeout: 10_000 };
  let server: Server | undefined;
  let endRenewal: (() => void) | undefined;
  const failed = new Promise<never>(() => {});
  let stopped: Promise<void> | undefined;

  function listen(): Promise<void> {
    const secure = tls && createTlsServer({ ...readTls(tls), ...timing }, app);
    const opening = secure ?? createServer(timing, app);
    server = opening;
    return new Promise((resolve, reject) => {
      opening.once('error', (cause: NodeJS.ErrnoException) => {
        const inUse = cause.code === 'EADDRINUSE';
        const hint = inUse ? 'is in use; choose another port, or 0 for any free one' : 'cannot be listened on';
        reject(new GaplineError('port-in-use', `${host}:${port} ${hint}`, { cause }));
      });
      opening.listen(port, host, () => {
        if (secure) endRenewal = renewTls(tls, secure, logger);
        resolve();
      });
    });
  }

  async function shutDown(): Promise<void> {
    endRenewal?.();
    const open = server;
    if (open?.listening) {
      const cut = setTimeout(() => open.closeAllConnections(), graceMs);
      await new Promise((resolve) => open.close(resolve));
      clearTimeout(cut);
    }
    await served.stop();
  }

  return {
    async start() {
      if (options.access) demandTokens('the model server', host, options.access);
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
      const address = (server?.address() ?? null) as AddressInfo | null;
      if (!address) throw new Error('the server does not listen');
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      return `${tls ? 'https' : 'http'}://${name}:${address.port}`;
    },
  };
}
