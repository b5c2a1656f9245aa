import type { Response } from 'express';
import type { LiveEvents } from './events.ts';
import type { Figures } from './figures/figures.ts';

export interface LiveOptions {
  readonly figures: Figures;
  readonly everyMs: number;
  readonly mostClients: number;
  /** A client that takes nothing for so long is cut off. Default 30 s. */
  readonly stuckMs?: number;
  /** How often the rights of an open page are checked again. Default 2 s. */
  readonly checkMs?: number;
}

/** Of `GET /events`. */
export const eventHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

interface Client {
  readonly response: Response;
  /** Whether it may still look: a token can be revoked while a page is open. */
  readonly isAllowed: () => boolean;
  checkedMs: number;
  /** It missed a delta, and needs a snapshot before the next one. */
  isBehind: boolean;
  /** When it last took all that it was sent. */
  freeMs: number;
}

/**
 * Sends the figures to the open pages as server-sent events. A page that takes no more is left out until it does, and then restarts with a
 * new snapshot: at most one event waits for each. While no page is open nothing is computed.
 *
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class Live {
  /** Deltas that a slow page did not get. */
  missed = 0;
  readonly #options: Required<LiveOptions>;
  readonly #clients = new Set<Client>();
  #timer: NodeJS.Timeout | undefined;
  #generation = -1;

  constructor(options: LiveOptions) {
    this.#options = { stuckMs: 30_000, checkMs: 2_000, ...options };
  }

  get clients(): number {
    return this.#clients.size;
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#options.mostClients;
  }

  add(response: Response, isAllowed: () => boolean): void {
    response.writeHead(200, eventHeaders);
    const nowMs = performance.now();
    const client: Client = { response, isAllowed, checkedMs: nowMs, isBehind: false, freeMs: nowMs };
    response.write('retry: 1000\n\n');
    if (this.#clients.size === 0) this.#beginDeltas();
    this.#send(client, 'snapshot', JSON.stringify(this.#options.figures.snapshot()));
    this.#clients.add(client);
    response.on('close', () => this.#remove(client));
    this.#timer ??= setInterval(() => this.#tick(), this.#options.everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  /** What changed while nobody looked is in the snapshot. */
  #beginDeltas(): void {
    const { figures } = this.#options;
    this.#generation = figures.generation;
    figures.delta();
  }

  #remove(client: Client): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const { figures } = this.#options;
    const isNew = figures.generation !== this.#generation;
    this.#generation = figures.generation;
    const delta = JSON.stringify(figures.delta());
    let snapshot: string | undefined;
    for (const client of this.#clients) {
      if (!this.#mayStay(client) || !this.#isFree(client)) continue;
      if (client.isBehind || isNew) {
        snapshot ??= JSON.stringify(figures.snapshot());
        this.#send(client, 'snapshot', snapshot);
        client.isBehind = false;
      } else {
        this.#send(client, 'delta', delta);
      }
    }
  }

  #mayStay(client: Client): boolean {
    const nowMs = performance.now();
    if (nowMs - client.checkedMs < this.#options.checkMs) return true;
    client.checkedMs = nowMs;
    if (client.isAllowed()) return true;
    client.response.end();
    return false;
  }

  #isFree(client: Client): boolean {
    const nowMs = performance.now();
    if (client.response.writableLength === 0) {
      client.freeMs = nowMs;
      return true;
    }
    client.isBehind = true;
    this.missed += 1;
    if (nowMs - client.freeMs > this.#options.stuckMs) client.response.destroy();
    return false;
  }

  #send(client: Client, event: keyof LiveEvents, json: string): void {
    client.response.write(`event: ${event}\ndata: ${json}\n\n`);
  }
}
