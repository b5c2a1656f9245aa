import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { Logger } from 'pino';
import { GaplineError } from '../wire/errors.ts';
import { answerBrokenRequest, type Exchange } from './broken-request.ts';
import { Connections, keyOf } from './connections.ts';
import { DirectConnections, type DirectHandler } from './direct-connections.ts';
import { listen, listenOnSharedPort } from './shared-port.ts';
import { readTls, reloadTls, type TlsFiles } from './tls.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  /** How long all headers of a request may take to arrive. */
  readonly headersTimeoutMs: number;
  /** How long a whole request may take to arrive. */
  readonly requestTimeoutMs: number;
  /** How long a connection without a request stays open. Default: Node's, 5 s. */
  readonly keepAliveTimeoutMs?: number;
  /** Connections at once. For more, those are closed that wait for a request the longest. Default: any number. */
  readonly maxConnections?: number;
  /** The same for connections of one address. Default: any number. */
  readonly maxConnectionsPerAddress?: number;
  /** Listens with many sockets on the one port, so that thousands of clients can connect at once. */
  readonly sharedPort?: boolean;
  /** Other processes listen on the shared port already, and that is meant. */
  readonly joinsPort?: boolean;
  /** How long `stop` waits for requests that are being handled. Default: not at all. */
  readonly graceMs?: number;
  readonly logger: Logger;
}

/** How often Node looks for requests that took too long. */
const longestTimeoutCheckMs = 5_000;

/**
 * An HTTP or HTTPS server. A request that cannot be parsed gets a problem as its response; the certificate is reloaded when its file changes;
 * and a stop waits for requests that are being handled.
 */
export class Listener {
  readonly #options: ListenerOptions;
  /** By connection, in the order of its requests: a client may send several before the first has its response. */
  readonly #underWay = new Map<Socket, Exchange[]>();
  #server: Server | undefined;
  /** The sockets that share the port with the server. */
  #further: readonly NetServer[] = [];
  readonly #connections: Connections;
  readonly #keys = new WeakMap<Socket, string>();
  #direct: DirectConnections | undefined;
  #endReload: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    // `server.maxConnections` does not see the connections of the sockets that share the port.
    this.#connections = new Connections({
      most: options.maxConnections,
      mostPerAddress: options.maxConnectionsPerAddress,
    });
  }

  /** Where it listens; throws before `start` has resolved. */
  get url(): string {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    if (!address) throw new Error('the server does not listen');
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `${this.#options.tls ? 'https' : 'http'}://${host}:${address.port}`;
  }

  /**
   * Resolves when the server listens.
   * @param direct - takes small requests that need nothing of node:http; not over TLS, where all are read by node:http
   * @throws {GaplineError} `port-in-use`, or `config-invalid` where the certificate cannot be used
   */
  async start(handler: RequestListener, direct?: DirectHandler): Promise<void> {
    const { host, port, tls, sharedPort, joinsPort = false, logger } = this.#options;
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(handler, request, response);
    const timing = this.#timing();
    const secure: TlsServer | undefined = tls && createTlsServer({ ...readTls(tls), ...timing }, handle);
    const server = secure ?? createServer(timing, handle);
    if (direct && !secure) this.#direct = this.#readDirectly(server, direct);
    server.on('connection', (socket: Socket) => this.#connections.add(socket));
    server.on('clientError', (error, socket) =>
      answerBrokenRequest(error, socket as Socket, this.#underWay.get(socket as Socket)),
    );
    try {
      if (sharedPort)
        this.#further = await listenOnSharedPort(server, { host, port }, { joins: joinsPort, halfOpen: !secure });
      else await listen(server, { host, port });
    } catch (cause) {
      throw listenError(cause as NodeJS.ErrnoException, host, port);
    }
    this.#server = server;
    if (tls && secure) this.#endReload = reloadTls(tls, secure, logger);
  }

  /** Takes no new requests, waits for those that are being handled, then cuts off what is left after the grace. Safe to call twice. */
  stop(): Promise<void> {
    this.#endReload?.();
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const cut = setTimeout(() => {
      server.closeAllConnections();
      this.#direct?.destroy();
    }, this.#options.graceMs ?? 0);
    const closed = [server, ...this.#further].map((each) => new Promise((resolve) => each.close(resolve)));
    for (const exchanges of this.#underWay.values())
      for (const { response } of exchanges) if (!response.headersSent) response.setHeader('connection', 'close');
    server.closeIdleConnections();
    this.#direct?.stop();
    await Promise.all(closed);
    clearTimeout(cut);
  }

  /** Reads the requests of connections before node:http does, which gets those that are not for `handler`. */
  #readDirectly(server: Server, handler: DirectHandler): DirectConnections {
    const theirs = server.listeners('connection');
    server.removeAllListeners('connection');
    const direct = new DirectConnections({
      handler,
      handOver: (socket) => {
        for (const listener of theirs) listener.call(server, socket);
      },
      firstRequestMs: server.headersTimeout,
      keepAliveMs: server.keepAliveTimeout,
      busy: (socket) => this.#connections.busy(this.#keyOf(socket)),
      idle: (socket) => this.#connections.idle(this.#keyOf(socket)),
    });
    server.on('connection', (socket: Socket) => direct.take(socket));
    return direct;
  }

  #timing() {
    const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs } = this.#options;
    return {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      ...(keepAliveTimeoutMs !== undefined && { keepAliveTimeout: keepAliveTimeoutMs }),
      connectionsCheckingInterval: Math.min(headersTimeoutMs, longestTimeoutCheckMs),
    };
  }

  #handle(handler: RequestListener, request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#begin(socket, { request, response });
    const key = this.#keyOf(socket);
    this.#connections.busy(key);
    response.on('close', () => {
      this.#connections.idle(key);
      this.#end(socket, response);
    });
    if (this.#stopping !== undefined) response.setHeader('connection', 'close');
    handler(request, response);
  }

  /** Kept for the requests to come on the same socket. */
  #keyOf(socket: Socket): string {
    const known = this.#keys.get(socket);
    if (known !== undefined) return known;
    const key = keyOf(socket);
    this.#keys.set(socket, key);
    return key;
  }

  #begin(socket: Socket, exchange: Exchange): void {
    const exchanges = this.#underWay.get(socket);
    if (exchanges === undefined) this.#underWay.set(socket, [exchange]);
    else exchanges.push(exchange);
  }

  #end(socket: Socket, response: ServerResponse): void {
    const exchanges = this.#underWay.get(socket);
    if (exchanges === undefined) return;
    const at = exchanges.findIndex((exchange) => exchange.response === response);
    if (at >= 0) exchanges.splice(at, 1);
    if (exchanges.length === 0) this.#underWay.delete(socket);
  }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): GaplineError {
  const detail =
    cause.code === 'EADDRINUSE'
      ? `${host}:${port} is in use; choose another port, or 0 for any free one`
      : `cannot listen on ${host}:${port}`;
  return new GaplineError('port-in-use', detail, { cause });
}
