import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Access } from '../core/access/access.ts';
import { createGuard, type RateLimits } from '../core/access/guard.ts';
import { requireTokens } from '../core/access/require-tokens.ts';
import { Listener } from '../core/http/listener.ts';
import type { TlsFiles } from '../core/http/tls.ts';
import type { ModelSource } from '../core/model/model.ts';
import { createServedModel } from '../core/model/served-model.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import { createApp } from './app.ts';
import type { DeviceRows } from './device-rows.ts';
import { createMetrics } from './metrics.ts';

export interface ServingOptions {
  /** The version to serve; if the source can be watched, a change is followed. */
  readonly models: ModelSource;
  /** Answers requests that name a device only. Default: none are answered. Stopped with the server. */
  readonly devices?: DeviceRows;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  /** Who may send requests: holders of the scope `read`. Default: everyone. If it is given and open, the server listens on loopback only. */
  readonly access?: Access;
  /** Requests a minute. Default: any number. */
  readonly rateLimits?: RateLimits;
  /** Certificate and key of TLS; both are reloaded when their files change. */
  readonly tls?: TlsFiles;
}

/** How long `stop` waits for requests that are being handled. */
const graceMs = 4_000;
const timeouts = { requestTimeoutMs: 30_000, headersTimeoutMs: 10_000 };

/** Serves the model over HTTP, with the same imputer as the line. */
export function createServing(options: ServingOptions): Stage & { readonly url: string } {
  const { models, devices, logger, registry, host, port, tls, rateLimits = {} } = options;
  const access = options.access ?? new Access({ logger });
  const served = createServedModel({ models, logger, serves: devices?.use });
  const guard = createGuard({ access, host, limits: rateLimits });
  const app = createApp({
    served,
    devices,
    metrics: createMetrics(registry),
    registry,
    logger,
    guard,
    tls: tls !== undefined,
  });
  const listener = new Listener({ host, port, tls, ...timeouts, graceMs, logger });
  const stage = createStage({
    async open() {
      if (options.access) requireTokens('the model server', host, options.access);
      await served.start();
      await listener.start(app);
    },
    async close() {
      await listener.stop();
      await served.stop();
      await devices?.stop();
    },
  });
  return {
    ...stage,
    get url() {
      return listener.url;
    },
  };
}
