import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Refusal } from './refusal.ts';

/** Memory for bodies while they are read. */
export interface Room {
  /** Whether a further body may begin. */
  readonly open: boolean;
  /** Takes bytes for one that has begun, or says no. */
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
 * @throws {Refusal} `body-too-large`, `body-malformed`, `media-type-unsupported`, or `overloaded` when there is no room
 */
export async function readText(request: IncomingMessage, limits: BodyLimits, room: Room): Promise<string> {
  const declared = Number(request.headers['content-length'] ?? 0);
  try {
    if (declared > limits.maxBytes) throw tooLarge(limits);
    if (!room.open) throw overloaded();
    const body = await collect(request, decompressed(request), limits, room);
    if (!isUtf8(body)) throw malformed('the body is not valid UTF-8');
    const text = body.toString('utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  } catch (error) {
    discard(request, limits);
    throw error;
  }
}

function tooLarge(limits: BodyLimits): Refusal {
  return new Refusal('body-too-large', `a body has at most ${limits.maxBytes} bytes after decompression`);
}

function decompressed(request: IncomingMessage): Readable {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return request;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new Refusal('media-type-unsupported', `content-encoding is gzip or none, not ${JSON.stringify(encoding)}`);
  }
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.on('close', () => {
    if (!request.complete) gunzip.destroy(new Error('the connection ended in the middle of the body'));
  });
  return request.pipe(gunzip);
}

function collect(request: IncomingMessage, source: Readable, limits: BodyLimits, room: Room): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let settled = false;
    const settle = (error: Refusal | null): void => {
      if (settled) return;
      settled = true;
      source.removeAllListeners('data');
      room.give(bytes);
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
      if (!room.take(chunk.length)) return settle(overloaded());
      bytes += chunk.length;
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
export function overloaded(): Refusal {
  return new Refusal('overloaded', 'more readings are waiting than the collector has room for', { retryAfterS: 1 });
}

function broken(request: IncomingMessage, source: Readable, cause?: unknown): Refusal {
  const detail =
    source === request || !request.complete
      ? 'the connection ended in the middle of the body'
      : 'the body is not valid gzip';
  return malformed(detail, cause);
}

function malformed(detail: string, cause?: unknown): Refusal {
  return new Refusal('body-malformed', detail, { errors: [{ pointer: '', code: 'syntax', detail }], cause });
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
