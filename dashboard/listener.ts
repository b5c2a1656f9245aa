import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { readTls, renewTls, type TlsFiles } from '../core/access/tls.ts';
import { GaplineError } from '../core/wire/errors.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  readonly logger: Logger;
}

const timing = { requestTimeout: 10_000, headersTimeout: 10_000 };
const mostConnections = 1_000;

/** The HTTP or HTTPS server under the live page. */
export class Listener {
  readonly #options: ListenerOptions;
  #server: Server | undefined;
  #endRenewal: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get url(): string {
    const address = (this.#server?.address() ?? null) as AddressInfo | null;
    if (address === null) throw new Error('the live page does not listen');
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `${this.#options.tls ? 'https' : 'http'}://${host}:${address.port}`;
  }

  /** @throws {GaplineError} `port-in-use` where it cannot listen */
  start(handler: RequestListener): Promise<void> {
    const { host, port, tls, logger } = this.#options;
    const secure = tls && createTlsServer({ ...readTls(tls), ...timing }, handler);
    const server = secure ?? createServer(timing, handler);
    server.maxConnections = mostConnections;
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const inUse = cause.code === 'EADDRINUSE';
        const detail = inUse
          ? `${host}:${port} is in use; choose another port for the live page, or 0 for any free one`
          : `the live page cannot listen on ${host}:${port}`;
        reject(new GaplineError('port-in-use', detail, { cause }));
      });
      server.listen(port, host, () => {
        if (secure) this.#endRenewal = renewTls(tls, secure, logger);
        resolve();
      });
    });
  }

  /** Cuts every connection: what is under way is an event stream or a moment's work. */
  stop(): Promise<void> {
    this.#endRenewal?.();
    const server = this.#server;
    return new Promise((resolve) => {
      if (!server?.listening) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}
