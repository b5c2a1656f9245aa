import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** What becomes of a request that came to a proxy. */
export interface Mood {
  /** Waits before anything else. */
  readonly delayMs?: number;
  /** `refuse` breaks the connection off, unseen by the server; `half` breaks it off in the middle of the server's answer. */
  readonly way: 'pass' | 'refuse' | 'half';
  /** Answers this instead of the server, which sees the request only where `seen` is true. */
  readonly answer?: { readonly status: number; readonly retryAfterS?: number; readonly seen?: boolean };
}

/** A request as the server answered it: without a status where it never did. */
export interface Passed {
  readonly path: string;
  readonly body: Buffer;
  readonly status: number | undefined;
}

export interface HttpProxyOptions {
  /** `http://HOST:PORT` of the server behind. */
  readonly target: string;
  /** Told of a request before the server sees it. */
  readonly arrived?: (body: Buffer, path: string) => void;
  /** Told before the answer goes out. */
  readonly passed?: (passed: Passed) => void;
}

const calm = (): Mood => ({ way: 'pass' });

/** Stands between a client and a server that speak HTTP, lets requests through one by one, and can be told to be difficult. */
export class HttpProxy {
  readonly #options: HttpProxyOptions;
  readonly #server = createServer((incoming, answer) => void this.#take(incoming, answer));
  readonly #sockets = new Set<Socket>();
  /** Asked for each request, by its path. */
  mood: (path: string) => Mood = calm;

  constructor(options: HttpProxyOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  calm(): void {
    this.mood = calm;
  }

  /** Breaks every open connection off. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #take(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    answer.on('error', () => {});
    try {
      const body = await buffer(incoming);
      const mood = this.mood(incoming.url ?? '/');
      if (mood.delayMs) await sleep(mood.delayMs);
      if (mood.way === 'refuse') return void incoming.socket.destroy();
      const instead = mood.answer;
      if (instead && !instead.seen) return reply(answer, instead);
      await this.#pass(incoming, body, answer, mood);
    } catch {
      incoming.socket.destroy();
    }
  }

  async #pass(incoming: IncomingMessage, body: Buffer, answer: ServerResponse, mood: Mood): Promise<void> {
    const { arrived, passed } = this.#options;
    arrived?.(body, incoming.url ?? '/');
    let reached: { response: IncomingMessage; payload: Buffer } | undefined;
    try {
      reached = await this.#ask(incoming, body);
    } finally {
      passed?.({ path: incoming.url ?? '/', body, status: reached?.response.statusCode });
    }
    const { response, payload } = reached;
    if (mood.answer) return reply(answer, mood.answer);
    const status = response.statusCode ?? 502;
    if (mood.way === 'half') setTimeout(() => incoming.socket.destroy(), 20);
    // Without a body, an answer is whole with its head: half of it is a part of that.
    if (mood.way === 'half' && payload.length === 0) return void incoming.socket.write(`HTTP/1.1 ${status} `);
    answer.writeHead(status, { ...withoutLength(response.headers), 'content-length': payload.length });
    if (mood.way === 'pass') return void answer.end(payload);
    answer.write(payload.subarray(0, payload.length / 2));
    answer.flushHeaders();
  }

  async #ask(incoming: IncomingMessage, body: Buffer): Promise<{ response: IncomingMessage; payload: Buffer }> {
    const { method, url = '/', headers } = incoming;
    const asked = request(new URL(url, this.#options.target), {
      method,
      headers: { ...withoutLength(headers), connection: 'close', 'content-length': body.length },
      agent: false,
    });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return { response, payload: await buffer(response) };
  }
}

function reply(answer: ServerResponse, { status, retryAfterS }: NonNullable<Mood['answer']>): void {
  answer.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
  });
  answer.end(JSON.stringify({ code: 'unavailable', message: 'the campaign says so' }));
}

/** What is said of one connection and of how the length of a body is told: it is passed on whole. */
function withoutLength(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const { connection: _, 'transfer-encoding': __, 'content-length': ___, ...rest } = headers;
  return rest;
}
