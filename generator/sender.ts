import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Logger } from 'pino';
import { backoffMs, halfRandom } from '../core/retry/backoff.ts';
import { retryAfterMs } from '../core/retry/retry-after.ts';
import { sleep } from '../core/retry/sleep.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import type { RequestBatch } from './worker.ts';

const backoff = { firstMs: 100, maxMs: 5_000, jitter: halfRandom };
const maxReplyBytes = 64 << 10;

export interface SenderOptions {
  /** The collector's address, without a path. */
  readonly url: string;
  readonly token?: string;
  /** Whether the collector's certificate is taken unseen. Only for a collector in the same process. */
  readonly anyCertificate?: boolean;
  /** Connections at once, at most. */
  readonly connections: number;
  readonly logger: Logger;
  /** A request without an answer for so long counts as a broken connection. Default 30 s. */
  readonly timeoutMs?: number;
  /** Called for each attempt that failed and is made again. */
  readonly retried: () => void;
}

export interface SenderSignals {
  /** Ends what is under way, too. */
  readonly abort: AbortSignal;
  /** No further attempt is made. */
  readonly stop: AbortSignal;
}

/** Takes request batches to the collector, however long that takes. */
export interface Sender {
  /**
   * Resolves once the collector has accepted the readings. Rejects with `collector-refused` where it never will, and with a signal's
   * reason where one stops it; whether the readings were accepted is then unknown.
   */
  post(batch: Pick<RequestBatch, 'body' | 'identities'>, signals: SenderSignals): Promise<void>;
  /** The same of facts, one a line. */
  tell(facts: string, signals: SenderSignals): Promise<void>;
  close(): void;
}

interface Message {
  readonly target: URL;
  readonly body: Uint8Array;
  readonly type: string;
}

const ndjson = 'application/x-ndjson';
const nameOf = ({ pathname }: URL): string => pathname.slice(1);

interface Reply {
  readonly status: number;
  readonly retryAfterMs: number;
  readonly text: string;
}

/** Keeps connections alive; tries 408, 429, 5xx and broken connections again with exponential backoff and jitter. */
export function createSender(options: SenderOptions): Sender {
  const { url, token, connections, logger, timeoutMs = 30_000, retried, anyCertificate = false } = options;
  const readings = new URL('/readings', url);
  const secure = readings.protocol === 'https:';
  const agent = secure
    ? new TlsAgent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: !anyCertificate })
    : new Agent({ keepAlive: true, maxSockets: connections });
  const open = secure ? tlsRequest : request;
  let failing = false;
  /** A collector that requires a pause gets one from all devices. */
  let notBeforeMs = 0;

  function once({ target, body, type }: Message, signal: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': type,
        'content-length': body.length,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      };
      const sent = open(target, { method: 'POST', agent, headers, timeout: timeoutMs, signal }, (reply) => {
        readReply(reply).then(resolve, reject);
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      sent.on('error', (error) => reject(sent.reusedSocket && isReset(error) ? new IdleConnection(error) : error));
      sent.end(body);
    });
  }

  /** A kept connection that the other side closed is no failure of the collector: the next one is tried at once. */
  async function exchange(message: Message, signal: AbortSignal): Promise<Reply> {
    try {
      return await once(message, signal);
    } catch (error) {
      if (!(error instanceof IdleConnection)) throw error;
      retried();
      return await once(message, signal);
    }
  }

  /** Undefined once accepted, else what went wrong this time. */
  async function attempt(message: Message, signal: AbortSignal): Promise<string | undefined> {
    const { target } = message;
    let reply: Reply;
    try {
      reply = await exchange(message, signal);
    } catch (error) {
      signal.throwIfAborted();
      return `${target.host}: ${describeError(error)}`;
    }
    const { status, text, retryAfterMs } = reply;
    if (status >= 200 && status < 300) return undefined;
    if (status !== 408 && status !== 429 && status < 500) {
      throw new GaplineError('collector-refused', `${target} answered ${status}: ${problemText(text)}`, {
        retryable: false,
      });
    }
    notBeforeMs = Math.max(notBeforeMs, performance.now() + retryAfterMs);
    return `${target.host} answered ${status}: ${problemText(text)}`;
  }

  async function deliver(message: Message, { abort, stop }: SenderSignals): Promise<void> {
    const { target } = message;
    for (let failures = 0; ; failures++) {
      const pauseMs = notBeforeMs - performance.now();
      if (pauseMs > 0) {
        await sleep(pauseMs * (1 + Math.random() / 10), { signal: stop });
        stop.throwIfAborted();
      }
      const trouble = await attempt(message, abort);
      if (trouble === undefined) break;
      retried();
      if (!failing) logger.warn(`${trouble}; trying again until it takes them`);
      failing = true;
      await sleep(backoffMs(backoff, failures + 1), { signal: stop });
      stop.throwIfAborted();
    }
    if (failing) logger.info(`${target.host} takes ${nameOf(target)} again`);
    failing = false;
  }

  return {
    post: ({ body, identities }, signals) =>
      deliver({ target: readings, body, type: identities.length === 1 ? 'application/json' : ndjson }, signals),
    tell: (facts, signals) =>
      deliver({ target: new URL('/facts', url), body: Buffer.from(facts), type: ndjson }, signals),
    close: () => agent.destroy(),
  };
}

/** A kept connection that the other side had closed in the meantime. */
class IdleConnection extends Error {
  constructor(cause: Error) {
    super('the kept connection was closed', { cause });
  }
}

const isReset = (error: Error): boolean => 'code' in error && error.code === 'ECONNRESET';

async function readReply(reply: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    if (bytes < maxReplyBytes) chunks.push(chunk);
    bytes += chunk.length;
  }
  return {
    status: reply.statusCode ?? 0,
    retryAfterMs: retryAfterMs(reply.headers['retry-after'], Date.now()),
    text: Buffer.concat(chunks).toString(),
  };
}

/** A response as one line: the detail of a problem and its first errors, or the text as it is. */
function problemText(text: string): string {
  try {
    const { title, detail, errors } = JSON.parse(text) as {
      title?: unknown;
      detail?: unknown;
      errors?: { pointer?: unknown; detail?: unknown }[];
    };
    const found = (errors ?? []).slice(0, 3).map((error) => `${error.pointer}: ${error.detail}`);
    const parts = [detail ?? title, ...found].filter((part) => part !== undefined);
    if (parts.length > 0) return parts.join('; ');
  } catch {
    // Not a problem document: a proxy's page, say.
  }
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line === '' ? 'no reason given' : line.slice(0, 300);
}
