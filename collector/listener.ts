import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import type { Logger } from 'pino';
import { listenError, urlOf } from '../core/http/listener.ts';
import { listen } from '../core/http/shared-port.ts';
import { readTls, renewTls, type TlsFiles } from '../core/http/tls.ts';
import { type ErrorCode, errorCatalog } from '../core/wire/errors.ts';
import { problemOf, problemType } from '../core/wire/problem.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly handler: RequestListener;
  /** For all headers of a request to arrive. */
  readonly headersTimeoutMs: number;
  /** For a whole request to arrive. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxConnections: number;
  readonly tls: TlsFiles | undefined;
  readonly logger: Logger;
}

/** An HTTP server that answers broken requests too, and that stops without cutting off answers. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #underWay = new Map<Socket, { request: IncomingMessage; response: ServerResponse }>();
  #server: Server | undefined;
  #further: readonly NetServer[] = [];
  #connections = 0;
  #endRenewal: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get url(): string {
    return urlOf(this.#server, this.#options.tls);
  }

  /**
   * Resolves when the server listens.
   * @throws {GaplineError} `port-in-use`, or `config-invalid` where the certificate cannot be used
   */
  async start(): Promise<void> {
    const { host, port, tls, logger } = this.#options;
    const server = this.#create();
    this.#further = await listen(server, { host, port }).catch((cause: NodeJS.ErrnoException) => {
      throw listenError(cause, host, port);
    });
    this.#server = server;
    if (tls && 'setSecureContext' in server) this.#endRenewal = renewTls(tls, server as never, logger);
  }

  #create(): Server {
    const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, maxConnections, tls } = this.#options;
    const timing = {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(headersTimeoutMs, 5_000),
    };
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    const server = tls ? createTlsServer({ ...readTls(tls), ...timing }, handle) : createServer(timing, handle);
    server.on('connection', (socket: Socket) => {
      this.#connections += 1;
      socket.once('close', () => {
        this.#connections -= 1;
      });
      if (this.#connections > maxConnections) socket.destroy();
    });
    server.on('clientError', (error, socket) => this.#refuseBroken(error as NodeJS.ErrnoException, socket as Socket));
    return server;
  }

  /** Takes no new requests, lets those under way end for at most `graceMs`, then cuts them off. Safe to call twice. */
  stop(graceMs: number): Promise<void> {
    const server = this.#server;
    this.#endRenewal?.();
    this.#stopping ??= new Promise((resolve) => {
      if (!server?.listening) return resolve();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      let open = 1 + this.#further.length;
      const closed = (): void => {
        open -= 1;
        if (open > 0) return;
        clearTimeout(cut);
        resolve();
      };
      for (const each of [server, ...this.#further]) each.close(closed);
      for (const { response } of this.#underWay.values())
        if (!response.headersSent) response.setHeader('connection', 'close');
      server.closeIdleConnections();
    });
    return this.#stopping;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#underWay.set(socket, { request, response });
    response.on('close', () => {
      if (this.#underWay.get(socket)?.response === response) this.#underWay.delete(socket);
    });
    if (this.#stopping !== undefined) response.setHeader('connection', 'close');
    this.#options.handler(request, response);
  }

  /** Answers what the parser could not read. A complete request before it on the same connection gets its own answer first. */
  #refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
    const underWay = this.#underWay.get(socket);
    if (underWay?.request.complete) {
      underWay.response.once('close', () => socket.destroy());
      return;
    }
    if (!socket.writable || underWay?.response.headersSent) return void socket.destroy();
    const code = brokenCodes[error.code ?? ''] ?? 'request-malformed';
    const { status, title } = errorCatalog[code];
    const body = JSON.stringify(problemOf(code, error.code === undefined ? title : `${title} (${error.code})`));
    socket.end(
      `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
        `connection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  }
}

const brokenCodes: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};
