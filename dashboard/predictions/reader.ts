import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { eventHeaders } from '../live.ts';
import type { Selection } from './labelled-record.ts';
import type { Part, Parts } from './parts.ts';
import type { Positions } from './positions.ts';

export interface ReaderOptions {
  readonly selection: Selection;
  /** Whether it may still read: a token can be revoked meanwhile. */
  readonly isAllowed: () => boolean;
}

/** So much waits for one reader at most. */
const mostWaitingBytes = 64 << 10;

/** One open stream of events. */
export class Reader {
  readonly selection: Selection;
  readonly isAllowed: () => boolean;
  /** How far it is, until it is level with the others. */
  readonly positions: Positions;
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();
  #freeMs = performance.now();
  #resume: (() => void) | undefined;
  #toldMs = performance.now();
  #parts: Parts | undefined;
  /** What it is sent next, once it has caught up. */
  #part: Part | undefined;

  constructor(response: ServerResponse, { selection, isAllowed }: ReaderOptions, positions: Positions) {
    this.#response = response;
    this.selection = selection;
    this.isAllowed = isAllowed;
    this.positions = positions;
    response.on('close', () => this.#gone.abort());
    response.on('drain', () => this.#drained());
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether its last event was sent, although it may not have arrived. */
  get isEnded(): boolean {
    return this.#response.writableEnded;
  }

  /** Bytes that may be written now. */
  get room(): number {
    return mostWaitingBytes - this.#response.writableLength;
  }

  begin(): void {
    this.#response.writeHead(200, eventHeaders);
    this.#write(`retry: 1000\nid: ${this.positions.id}\n\n`);
  }

  send(event: Buffer): void {
    this.#write(event);
  }

  /** From now on it is sent these parts, beginning with the one that is made next. */
  follow(parts: Parts): void {
    this.#parts = parts;
    this.#part = parts.end;
  }

  /** Whether it has all that there is for it. */
  get isLevel(): boolean {
    return this.#part !== undefined && this.#part.bytes === undefined && this.#parts?.hasNews === false;
  }

  /** Bytes that are there for it, and were not sent yet. */
  get behindBytes(): number {
    return this.#parts === undefined || this.#part === undefined ? 0 : this.#parts.bytes - this.#part.begin;
  }

  /** Sends the parts that find room, in one write; returns whether more are waiting. */
  sendParts(): boolean {
    if (this.#part?.bytes === undefined || this.isEnded || this.gone.aborted) return false;
    this.#response.cork();
    for (; this.#part?.bytes !== undefined && this.room > 0; this.#part = this.#part.next)
      this.#write(this.#part.bytes);
    this.#response.uncork();
    return this.#part?.bytes !== undefined;
  }

  /** Lets it know how far it is, although there was nothing for it. */
  tell(id: string): void {
    if (this.#response.writableLength === 0) this.#write(`id: ${id}\n\n`);
  }

  /** Resolves when there is room again, or after a time; rejects where it is gone. */
  async untilRoom(withinMs: number): Promise<void> {
    // Most records find room, and a timer for each would pile up.
    if (this.room > 0) return;
    const signal = AbortSignal.any([this.gone, AbortSignal.timeout(withinMs)]);
    await once(this.#response, 'drain', { signal }).catch(() => {});
    this.gone.throwIfAborted();
  }

  whenDrained(resume: () => void): void {
    this.#resume = resume;
  }

  /** Milliseconds since it last had taken all that it was sent. */
  get stuckForMs(): number {
    const nowMs = performance.now();
    if (this.#response.writableLength === 0) this.#freeMs = nowMs;
    return nowMs - this.#freeMs;
  }

  /** Milliseconds since it was last sent anything. */
  get silentForMs(): number {
    return performance.now() - this.#toldMs;
  }

  /** It was too slow: what it has not read is in the log, and it gets that when it comes again. */
  cutOff(graceMs: number): void {
    if (this.isEnded) return;
    this.#response.end('event: resume\ndata: {"reason":"too slow"}\n\n');
    setTimeout(() => this.destroy(), graceMs).unref();
  }

  end(): void {
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }

  #drained(): void {
    this.#freeMs = performance.now();
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  #write(text: string | Buffer): void {
    if (this.isEnded) return;
    this.#response.write(text);
    this.#toldMs = performance.now();
  }
}
