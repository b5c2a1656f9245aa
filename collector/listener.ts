import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type ErrorCode, errorCatalog, GaplineError } from '../core/wire/errors.ts';
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
}

/** An HTTP server that answers broken requests too, and that stops without cutting off answers. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #underWay = new Map<Socket, { request: IncomingMessage; response: ServerResponse }>();
  #stopping: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        headersTimeout: options.headersTimeoutMs,
        requestTimeout: options.requestTimeoutMs,
        keepAliveTimeout: options.keepAliveTimeoutMs,
        connectionsCheckingInterval: Math.min(options.headersTimeoutMs, 5_000),
      },
      (request, response) => this.#handle(request, response),
    );
    this.#server.maxConnections = options.maxConnections;
    this.#server.on('clientError', (error, socket) =>
      this.#refuseBroken(error as NodeJS.ErrnoException, socket as Socket),
    );
  }

  get url(): string {
    const address = this.#server.address() as AddressInfo | null;
    if (address === null) throw new Error('the server does not listen');
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}`;
  }

  start(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const inUse = cause.code === 'EADDRINUSE';
        const detail = inUse
          ? `${host}:${port} is in use; choose another port, or 0 for any free one`
          : `cannot listen on ${host}:${port}`;
        reject(new GaplineError('port-in-use', detail, { cause }));
      });
      this.#server.listen(port, host, resolve);
    });
  }

  /** Takes no new requests, lets those under way end for at most `graceMs`, then cuts them off. Safe to call twice. */
  stop(graceMs: number): Promise<void> {
    this.#stopping ??= new Promise((resolve) => {
      if (!this.#server.listening) return resolve();
      const cut = setTimeout(() => this.#server.closeAllConnections(), graceMs);
      this.#server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      for (const { response } of this.#underWay.values())
        if (!response.headersSent) response.setHeader('connection', 'close');
      this.#server.closeIdleConnections();
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
