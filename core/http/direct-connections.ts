import { Socket } from 'node:net';
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

/**
 * `idle` between requests; `begun` while the rest of one is waited for; `busy` until one has its response; `over` once nothing more is
 * read, or node:http reads it.
 */
type State = 'idle' | 'begun' | 'busy' | 'over';

const hasRequest = (state: State): boolean => state === 'begun' || state === 'busy';

class DirectConnection {
  readonly socket: Socket;
  readonly #options: ConnectionOptions;
  #state: State = 'idle';
  #hadRequest = false;
  /** Whether the client sends no more. */
  #hasEnded = false;
  #timeoutMs = 0;
  /** Whether the client leaves its responses unread. */
  #isUnread = false;
  /** A request of which a part came, and in how many pieces. */
  #begun = nothing;
  #pieces = 0;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket;
    this.#options = options;
    this.#waitFor(options.firstRequestMs);
    // What arrives goes through the stream's own buffer only where it has to wait: with each piece that plans another read.
    socket.push = this.#push;
    socket.on('end', this.#onEnd).on('timeout', this.#onTimeout);
    socket.on('error', ignore).on('close', this.#onClose);
  }

  closeIfIdle(): void {
    if (this.#state === 'idle') this.socket.destroy();
  }

  #become(state: State): void {
    const before = hasRequest(this.#state);
    this.#state = state;
    const now = hasRequest(state);
    if (now && !before) this.#options.busy(this.socket);
    if (before && !now) this.#options.idle(this.socket);
  }

  #waitFor(ms: number): void {
    if (ms === this.#timeoutMs) return;
    this.#timeoutMs = ms;
    this.socket.setTimeout(ms);
  }

  readonly #push: Socket['push'] = (bytes: Buffer | null, encoding): boolean => {
    const { socket } = this;
    const waits = this.#state === 'busy' || this.#isUnread || socket.readableLength > 0;
    if (bytes === null || waits) return Socket.prototype.push.call(socket, bytes, encoding);
    if (this.#state === 'idle') this.#read(bytes);
    else if (this.#state === 'begun') this.#read(Buffer.concat([this.#takeBegun(), bytes]));
    return true;
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.#state === 'begun') this.#refuse('HPE_INVALID_EOF_STATE');
    else if (this.#state === 'idle') this.#close();
  };

  readonly #onTimeout = (): void => {
    if (this.#state === 'begun') this.#handOver(this.#takeBegun());
    else if (this.#state === 'idle' && !this.#hadRequest) this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
    else if (this.#state !== 'busy') this.socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#takeBegun();
    this.#become('over');
    this.#options.gone();
  };

  #close(): void {
    this.#become('over');
    this.socket.destroySoon();
  }

  /** Responds as to a request that node:http could not read, with the same code. */
  #refuse(code: string): void {
    this.#become('over');
    answerBrokenRequest(Object.assign(new Error(code), { code }), this.socket);
  }

  #read(bytes: Buffer): void {
    const request = wholeRequest(bytes, this.socket);
    if (request === undefined) this.#handOver(bytes);
    else if ('missing' in request) this.#begin(bytes, request.missing);
    else {
      this.#pieces = 0;
      this.#become('busy');
      if (!this.#options.handler(request, this.#respond)) this.#handOver(bytes);
    }
  }

  /** Waits for the rest of a request, where that is a little. */
  #begin(bytes: Buffer, missing: number): void {
    const { held } = this.#options;
    this.#pieces += 1;
    const isLittle = bytes.length + missing <= largestBegun && held.bytes + bytes.length <= mostHeldBytes;
    if (!isLittle || this.#pieces >= mostPieces || this.#hasEnded) {
      this.#handOver(bytes);
      return;
    }
    held.bytes += bytes.length;
    this.#begun = bytes;
    this.#become('begun');
    this.#waitFor(nextPieceMs);
  }

  /** What has begun is no longer held. */
  #takeBegun(): Buffer {
    const begun = this.#begun;
    this.#options.held.bytes -= begun.length;
    this.#begun = nothing;
    return begun;
  }

  readonly #respond = (reply: Reply): void => {
    if (this.#state !== 'busy') return;
    this.#become('idle');
    const { socket } = this;
    if (!socket.writable) return;
    this.#hadRequest = true;
    this.#waitFor(this.#options.keepAliveMs + keepAliveBufferMs);
    const keepAliveS = this.#options.keepAlive();
    const isRead = socket.write(replyText(reply, keepAliveS));
    if (keepAliveS === undefined || this.#hasEnded) this.#close();
    else if (isRead) this.#readEarly();
    else this.#waitForReader();
  };

  /** What came during the last request. */
  #readEarly(): void {
    if (this.socket.readableLength === 0) return;
    const bytes: Buffer | null = this.socket.read();
    if (bytes !== null) this.#read(bytes);
  }

  /** A client that does not read its responses gets no more of them. */
  #waitForReader(): void {
    this.#isUnread = true;
    this.socket.once('drain', () => {
      this.#isUnread = false;
      if (this.#state === 'idle') this.#readEarly();
    });
  }

  #handOver(bytes: Buffer): void {
    // After its end nothing can be given back to a stream.
    if (this.#hasEnded) {
      this.#refuse('HPE_INVALID_EOF_STATE');
      return;
    }
    const { socket } = this;
    this.#become('over');
    socket.setTimeout(0).pause();
    Reflect.deleteProperty(socket, 'push');
    socket.off('end', this.#onEnd).off('timeout', this.#onTimeout);
    socket.off('close', this.#onClose);
    this.#options.gone();
    socket.unshift(bytes);
    this.#options.handOver(socket);
    socket.off('error', ignore);
    socket.resume();
  }
}

const nothing: Buffer = Buffer.alloc(0);

/** The close that follows says the same. */
function ignore(): void {}
