import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HttpProblem } from '../core/http/problem.ts';
import type { MemoryBudget, Reservation } from './memory-budget.ts';

export interface BodyLimits {
  /** After decompression. */
  readonly maxBytes: number;
  /** How much of a body that is too large is read and thrown away, so that the sender gets to read the response. */
  readonly maxDiscardBytes: number;
  /** For how long that is done. */
  readonly discardMs: number;
  /** What bodies hold, as a refusal names it. Default `readings`. */
  readonly of?: string;
}

/** A body in the pieces in which it came. */
export class Body {
  readonly #pieces: readonly Buffer[];
  readonly length: number;

  constructor(pieces: readonly Buffer[], length: number) {
    this.#pieces = pieces;
    this.length = length;
  }

  /**
   * All of it in one buffer, which the next body that is joined overwrites: V8 collects its old space each time that some buffers of
   * megabytes were made.
   */
  join(): Buffer {
    const [only, ...others] = this.#pieces;
    if (only !== undefined && others.length === 0) return only;
    if (this.length > mostKeptBytes) return Buffer.concat(this.#pieces, this.length);
    if (joined.length < this.length) joined = Buffer.allocUnsafeSlow(Math.min(mostKeptBytes, 2 * this.length));
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined.subarray(0, this.length);
  }
}

/** Of bodies that came in pieces; a larger one gets a buffer of its own. */
const mostKeptBytes = 4_000_000;
let joined: Buffer = Buffer.alloc(0);

/**
 * Reads a request's body, decompressed. Stops at the limit, however small the compressed body is.
 * @throws {HttpProblem} `body-too-large`, `body-malformed`, `media-type-unsupported`, or `overloaded` when the memory budget is used up
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits, memory: MemoryBudget): Promise<Body> {
  const declared = Number(request.headers['content-length'] ?? 0);
  try {
    if (declared > limits.maxBytes) throw tooLarge(limits);
    const compressed = isCompressed(request);
    const reserved = memory.reserve(declared);
    if (reserved === undefined) throw overloaded(limits);
    const source = compressed ? decompressed(request) : request;
    return await readAll({ request, source, limits, reserved });
  } catch (error) {
    discard(request, limits);
    throw error;
  }
}

/**
 * A body as text, without a byte order mark.
 * @throws {HttpProblem} `body-malformed`
 */
export function decodeText(body: Buffer): string {
  if (!isUtf8(body)) throw malformed('the body is not valid UTF-8');
  const text = body.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function tooLarge(limits: BodyLimits): HttpProblem {
  return new HttpProblem('body-too-large', `a body has at most ${limits.maxBytes} bytes after decompression`);
}

function isCompressed(request: IncomingMessage): boolean {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return false;
  if (encoding === 'gzip' || encoding === 'x-gzip') return true;
  throw new HttpProblem('media-type-unsupported', `content-encoding is gzip or none, not ${JSON.stringify(encoding)}`);
}

function decompressed(request: IncomingMessage): Readable {
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.on('close', () => {
    if (!request.complete) gunzip.destroy(new Error('the connection ended in the middle of the body'));
  });
  return request.pipe(gunzip);
}

interface BodyReading {
  readonly request: IncomingMessage;
  readonly source: Readable;
  readonly limits: BodyLimits;
  /** The memory that was reserved before the body began. */
  readonly reserved: Reservation;
}

function readAll({ request, source, limits, reserved }: BodyReading): Promise<Body> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let settled = false;
    const settle = (error: HttpProblem | null): void => {
      if (settled) return;
      settled = true;
      reserved.release();
      if (error === null) {
        resolve(new Body(chunks, bytes));
        return;
      }
      source.removeAllListeners('data');
      if (source !== request) {
        request.unpipe();
        source.destroy();
      }
      reject(error);
    };
    source.on('data', (chunk: Buffer) => {
      if (bytes + chunk.length > limits.maxBytes) return settle(tooLarge(limits));
      bytes += chunk.length;
      if (!reserved.grow(bytes)) return settle(overloaded(limits));
      chunks.push(chunk);
    });
    source.on('end', () => settle(null));
    source.on('error', (cause) => settle(broken(request, source, cause)));
    request.on('close', () => {
      if (!request.complete) settle(broken(request, request));
    });
  });
}

function overloaded({ of = 'readings' }: BodyLimits): HttpProblem {
  return new HttpProblem('overloaded', `more ${of} are waiting than the collector has memory for`, { retryAfterS: 1 });
}

function broken(request: IncomingMessage, source: Readable, cause?: unknown): HttpProblem {
  const detail =
    source === request || !request.complete
      ? 'the connection ended in the middle of the body'
      : 'the body is not valid gzip';
  return malformed(detail, cause);
}

function malformed(detail: string, cause?: unknown): HttpProblem {
  return new HttpProblem('body-malformed', detail, { errors: [{ pointer: '', code: 'syntax', detail }], cause });
}

/** Reads the rest of the body for a while and throws it away: if the connection were closed at once, the sender would lose the response. */
function discard(request: IncomingMessage, limits: BodyLimits): void {
  if (request.complete || request.destroyed) return;
  let left = limits.maxDiscardBytes;
  const timer = setTimeout(() => request.destroy(), limits.discardMs);
  request.on('close', () => clearTimeout(timer));
  request.on('end', () => clearTimeout(timer));
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.resume();
}
