import type { Socket } from 'node:net';
import { answerBrokenRequest } from './broken-request.ts';
import { type KeepAlive, type Reply, replyText } from './reply.ts';
import { type WholeRequest, wholeRequest } from './whole-request.ts';

/**
 * Takes a request and responds to it once, now or later; or returns false, having done nothing, and node:http reads the request instead.
 * Does not throw.
 */
export type DirectHandler = (request: WholeRequest, respond: (reply: Reply) => void) => boolean;

export interface DirectOptions {
  readonly handler: DirectHandler;
  /** Gives a connection to node:http. What was read of it is there to be read again. */
  readonly handOver: (socket: Socket) => void;
  /** How long a connection may be open before its first request. */
  readonly firstRequestMs: number;
  /** How long a connection without a request stays open, as responses tell the client. */
  readonly keepAliveMs: number;
  /** Called when a connection begins a request and when that is over. */
  readonly busy: (socket: Socket) => void;
  readonly idle: (socket: Socket) => void;
}

/** A connection is closed so much later than its client was told: the client may send its next request just in time. */
const keepAliveBufferMs = 1_000;

/**
 * Connections whose requests come whole in one read and are small, one after the other, as those of devices do. They are read from the
 * socket itself, for a third of what node:http needs. With the first request that is anything else, a connection goes to node:http for
 * good.
 */
export class DirectConnections {
  readonly #options: DirectOptions;
  readonly #open = new Set<DirectConnection>();
  #stopping = false;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  take(socket: Socket): void {
    const gone = () => this.#open.delete(connection);
    const keepAlive = () => (this.#stopping ? undefined : Math.floor(this.#options.keepAliveMs / 1_000));
    const connection = new DirectConnection(socket, { ...this.#options, keepAlive, gone });
    this.#open.add(connection);
  }

  /** Closes connections without a request now, and the others with their response. */
  stop(): void {
    this.#stopping = true;
    for (const connection of this.#open) connection.closeIfIdle();
  }

  /** Cuts off what is left. */
  destroy(): void {
    for (const connection of this.#open) connection.socket.destroy();
  }
}

interface ConnectionOptions extends DirectOptions {
  readonly keepAlive: () => KeepAlive;
  /** Called when the connection is closed or node:http has it. */
  readonly gone: () => void;
}

class DirectConnection {
  readonly socket: Socket;
  readonly #options: ConnectionOptions;
  #isBusy = false;
  #hadRequest = false;
  #hasEnded = false;
  /** What came while a request was in progress; nothing more is read then. */
  #early: Buffer | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket;
    this.#options = options;
    socket.setTimeout(options.firstRequestMs);
    socket.on('data', this.#onData).on('end', this.#onEnd).on('timeout', this.#onTimeout);
    socket.on('error', ignore).on('close', this.#onClose);
  }

  closeIfIdle(): void {
    if (!this.#isBusy) this.socket.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (!this.#isBusy) {
      this.#read(bytes);
      return;
    }
    this.#early = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes]);
    this.socket.pause();
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (!this.#isBusy) this.socket.end();
  };

  readonly #onTimeout = (): void => {
    if (this.#isBusy) return;
    if (this.#hadRequest) this.socket.destroy();
    else answerBrokenRequest({ name: '', message: '', code: 'ERR_HTTP_REQUEST_TIMEOUT' }, this.socket);
  };

  readonly #onClose = (): void => {
    if (this.#isBusy) this.#options.idle(this.socket);
    this.#isBusy = false;
    this.#options.gone();
  };

  #read(bytes: Buffer): void {
    const request = wholeRequest(bytes, this.socket);
    if (request === undefined || !this.#isTaken(request)) this.#handOver(bytes);
  }

  #isTaken(request: WholeRequest): boolean {
    this.#isBusy = true;
    this.#options.busy(this.socket);
    const isTaken = this.#options.handler(request, this.#respond);
    if (!isTaken) this.#end();
    return isTaken;
  }

  #end(): void {
    this.#isBusy = false;
    this.#options.idle(this.socket);
  }

  readonly #respond = (reply: Reply): void => {
    if (!this.#isBusy) return;
    this.#end();
    const { socket } = this;
    if (!socket.writable) return;
    if (!this.#hadRequest) socket.setTimeout(this.#options.keepAliveMs + keepAliveBufferMs);
    this.#hadRequest = true;
    const keepAliveS = this.#options.keepAlive();
    const isRead = socket.write(replyText(reply, keepAliveS));
    if (keepAliveS === undefined || (this.#hasEnded && this.#early === undefined)) socket.destroySoon();
    else if (isRead) this.#readEarly();
    else this.#waitForReader();
  };

  /** What came during the last request. */
  #readEarly(): void {
    const bytes = this.#early;
    if (bytes === undefined) return;
    this.#early = undefined;
    this.socket.resume();
    this.#read(bytes);
  }

  /** A client that does not read its responses gets no more of them. */
  #waitForReader(): void {
    this.socket.pause().once('drain', () => {
      this.socket.resume();
      this.#readEarly();
    });
  }

  #handOver(bytes: Buffer): void {
    const { socket } = this;
    // After its end nothing can be given back to a stream.
    if (this.#hasEnded) {
      socket.destroySoon();
      return;
    }
    socket.setTimeout(0).pause();
    socket.off('data', this.#onData).off('end', this.#onEnd).off('timeout', this.#onTimeout);
    socket.off('close', this.#onClose);
    this.#options.gone();
    socket.unshift(bytes);
    this.#options.handOver(socket);
    socket.off('error', ignore);
    socket.resume();
  }
}

/** The close that follows says the same. */
function ignore(): void {}
