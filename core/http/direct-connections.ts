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

/** A request whose body comes in a packet of its own, as many clients send it, is waited for: with so many bytes at most… */
const largestBegun = 65_536;
/** …of one connection, and so many of all, */
const mostHeldBytes = 4_000_000;
/** in so many pieces at most, */
const mostPieces = 4;
/** and no longer than this for each. Then it is for node:http, which counts what it holds and how long it takes. */
const nextPieceMs = 1_000;

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
  /** Bytes of requests that have begun. */
  readonly #held = { bytes: 0 };
  #stopping = false;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  take(socket: Socket): void {
    const gone = () => this.#open.delete(connection);
    const keepAlive = () => (this.#stopping ? undefined : Math.floor(this.#options.keepAliveMs / 1_000));
    const connection = new DirectConnection(socket, { ...this.#options, keepAlive, gone, held: this.#held });
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
  readonly held: { bytes: number };
}

class DirectConnection {
  readonly socket: Socket;
  readonly #options: ConnectionOptions;
  #isBusy = false;
  #hadRequest = false;
  #hasEnded = false;
  /** What came while a request was in progress; nothing more is read then. */
  #early: Buffer | undefined;
  /** A request of which a part came, and in how many pieces. */
  #begun: Buffer | undefined;
  #pieces = 0;

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
      this.#read(this.#begun === undefined ? bytes : Buffer.concat([this.#taken(this.#begun), bytes]));
      return;
    }
    this.#early = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes]);
    this.socket.pause();
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.#begun !== undefined) this.#refuse('HPE_INVALID_EOF_STATE');
    else if (!this.#isBusy) this.socket.end();
  };

  readonly #onTimeout = (): void => {
    if (this.#isBusy) return;
    if (this.#begun !== undefined) this.#handOver(this.#taken(this.#begun));
    else if (this.#hadRequest) this.socket.destroy();
    else this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
  };

  /** Responds as to a request that node:http could not read, with the same code. */
  #refuse(code: string): void {
    answerBrokenRequest(Object.assign(new Error(code), { code }), this.socket);
  }

  readonly #onClose = (): void => {
    if (this.#isBusy) this.#options.idle(this.socket);
    this.#isBusy = false;
    if (this.#begun !== undefined) this.#options.held.bytes -= this.#begun.length;
    this.#options.gone();
  };

  #read(bytes: Buffer): void {
    const request = wholeRequest(bytes, this.socket);
    if (request === undefined) this.#handOver(bytes);
    else if ('missing' in request) this.#wait(bytes, request.missing);
    else if (!this.#isTaken(request)) this.#handOver(bytes);
    else this.#pieces = 0;
  }

  /** Waits for the rest of a request, where that is a little. */
  #wait(bytes: Buffer, missing: number): void {
    const { held } = this.#options;
    this.#pieces += 1;
    const isLittle = bytes.length + missing <= largestBegun && held.bytes + bytes.length <= mostHeldBytes;
    if (!isLittle || this.#pieces >= mostPieces || this.#hasEnded) {
      this.#handOver(bytes);
      return;
    }
    held.bytes += bytes.length;
    this.#begun = bytes;
    this.socket.setTimeout(nextPieceMs);
  }

  /** What has begun is no longer held. */
  #taken(begun: Buffer): Buffer {
    this.#options.held.bytes -= begun.length;
    this.#begun = undefined;
    this.socket.setTimeout(this.#idleMs);
    return begun;
  }

  get #idleMs(): number {
    return this.#hadRequest ? this.#options.keepAliveMs + keepAliveBufferMs : this.#options.firstRequestMs;
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
    if (!this.#hadRequest) {
      this.#hadRequest = true;
      socket.setTimeout(this.#idleMs);
    }
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
      this.#refuse('HPE_INVALID_EOF_STATE');
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
