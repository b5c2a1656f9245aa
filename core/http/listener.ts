import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { GaplineError } from '../wire/errors.ts';
import { readTls, renewTls, type TlsFiles } from './tls.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  /** How long a request and its headers may take to arrive, in milliseconds. */
  readonly timing: Pick<ServerOptions, 'requestTimeout' | 'headersTimeout'>;
  /** Connections at once. Default: any number. */
  readonly mostConnections?: number;
  /** How long `stop` waits for answers under way. Default: not at all. */
  readonly graceMs?: number;
  readonly logger: Logger;
}

/** An HTTP or HTTPS server, with a certificate that is renewed while it runs. */
export class Listener {
  readonly #options: ListenerOptions;
  #server: Server | undefined;
  #endRenewal: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get url(): string {
    return urlOf(this.#server, this.#options.tls);
  }

  /** @throws {GaplineError} `port-in-use`, or `config-invalid` where the certificate cannot be used */
  async start(handler: RequestListener): Promise<void> {
    const { host, port, tls, timing, mostConnections, logger } = this.#options;
    const secure = tls && createTlsServer({ ...readTls(tls), ...timing }, handler);
    const server = secure ?? createServer(timing, handler);
    if (mostConnections !== undefined) server.maxConnections = mostConnections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(listenError(cause, host, port)));
      server.listen(port, host, resolve);
    });
    this.#server = server;
    if (secure) this.#endRenewal = renewTls(tls, secure, logger);
  }

  /** Takes no new connections, and cuts those that are left after the grace. */
  async stop(): Promise<void> {
    this.#endRenewal?.();
    const server = this.#server;
    if (!server?.listening) return;
    const cut = setTimeout(() => server.closeAllConnections(), this.#options.graceMs ?? 0);
    await new Promise((resolve) => server.close(resolve));
    clearTimeout(cut);
  }
}

/** Where a server listens. */
export function urlOf(server: Server | undefined, tls: TlsFiles | undefined): string {
  const address = (server?.address() ?? null) as AddressInfo | null;
  if (address === null) throw new Error('the server does not listen');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${tls ? 'https' : 'http'}://${host}:${address.port}`;
}

/** Why a server cannot listen. */
export function listenError(cause: NodeJS.ErrnoException, host: string, port: number): GaplineError {
  const detail =
    cause.code === 'EADDRINUSE'
      ? `${host}:${port} is in use; choose another port, or 0 for any free one`
      : `cannot listen on ${host}:${port}`;
  return new GaplineError('port-in-use', detail, { cause });
}
