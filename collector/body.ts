import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HttpProblem } from '../core/http/problem.ts';

/** Memory for bodies while they are read. */
export interface Room {
  /** Takes bytes for a body that is to begin, at most as many as it declares, and says how many; undefined where none may begin. */
  begin(declaredBytes: number): number | undefined;
  /** Takes more bytes for one that has begun, or says no. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export interface BodyLimits {
  /** After decompression. */
  readonly maxBytes: number;
  /** How much of a body that is too large is read and thrown away, so that the sender gets to read the answer. */
  readonly maxDiscardBytes: number;
  readonly discardMs: number;
}

/**
 * Reads a request's body, decompressed and decoded. Stops at the limit, however little was sent compressed.
 * @throws {HttpProblem} `body-too-large`, `body-malformed`, `media-type-unsupported`, or `overloaded` when there is no room
 */
export async function readText(request: IncomingMessage, limits: BodyLimits, room: Room): Promise<string> {
  const declared = Number(request.headers['content-length'] ?? 0);
  try {
    if (declared > limits.maxBytes) throw tooLarge(limits);
    const packed = isPacked(request);
    const held = room.begin(declared);
    if (held === undefined) throw overloaded();
    const source = packed ? unpacking(request) : request;
    const body = await collect({ request, source, limits, room, held });
    if (!isUtf8(body)) throw malformed('the body is not valid UTF-8');
    const text = body.toString('utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  } catch (error) {
    discard(request, limits);
    throw error;
  }
}

function tooLarge(limits: BodyLimits): HttpProblem {
  return new HttpProblem('body-too-large', `a body has at most ${limits.maxBytes} bytes after decompression`);
}

function isPacked(request: IncomingMessage): boolean {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return false;
  if (encoding === 'gzip' || encoding === 'x-gzip') return true;
  throw new HttpProblem('media-type-unsupported', `content-encoding is gzip or none, not ${JSON.stringify(encoding)}`);
}

function unpacking(request: IncomingMessage): Readable {
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.on('close', () => {
    if (!request.complete) gunzip.destroy(new Error('the connection ended in the middle of the body'));
  });
  return request.pipe(gunzip);
}

interface Collecting {
  readonly request: IncomingMessage;
  readonly source: Readable;
  readonly limits: BodyLimits;
  readonly room: Room;
  /** Of the room, taken when the body began. */
  readonly held: number;
}

function collect({ request, source, limits, room, held: heldFirst }: Collecting): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let held = heldFirst;
    let settled = false;
    const settle = (error: HttpProblem | null): void => {
      if (settled) return;
      settled = true;
      source.removeAllListeners('data');
      room.give(held);
      if (error === null) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
      else {
        if (source !== request) {
          request.unpipe();
          source.destroy();
        }
        reject(error);
      }
    };
    source.on('data', (chunk: Buffer) => {
      if (bytes + chunk.length > limits.maxBytes) return settle(tooLarge(limits));
      bytes += chunk.length;
      if (bytes > held) {
        if (!room.take(bytes - held)) return settle(overloaded());
        held = bytes;
      }
      chunks.push(chunk);
    });
    source.on('end', () => settle(null));
    source.on('error', (cause) => settle(broken(request, source, cause)));
    request.on('close', () => {
      if (!request.complete) settle(broken(request, request));
    });
  });
}

/** The refusal for when there is no room now. */
export function overloaded(): HttpProblem {
  return new HttpProblem('overloaded', 'more readings are waiting than the collector has room for', { retryAfterS: 1 });
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

/** Reads on into nothing for a while: closing a connection that still sends would cost the sender the answer. */
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
