import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { EventLog } from '../../core/log/port.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { PredictionFeed } from './feed.ts';
import { LabelledRecord } from './labelled-record.ts';
import type { Positions } from './positions.ts';
import { eventOf, Reader, type ReaderOptions } from './reader.ts';
import type { RecentPredictions } from './recent.ts';

export interface ReadersOptions {
  readonly feed: PredictionFeed;
  readonly log: EventLog;
  readonly topic: string;
  readonly logger: Logger;
  /** At once. Default 1,000. */
  readonly most?: number;
  /** That read the log at once; the others wait for their turn. Default 4. */
  readonly mostCatchingUp?: number;
  /** After so long, one that reads the log makes room for those that wait. Default 5 s. */
  readonly turnMs?: number;
  /** A reader that takes nothing for so long is cut off. Default 30 s. */
  readonly stuckMs?: number;
  /** How often a reader without news hears how far it is. Default 15 s. */
  readonly keepAliveMs?: number;
}

/** Of the time of the process, the share that all readers together may take. */
const dutyShare = 0.1;

/**
 * Sends predictions to open streams of server-sent events, each exactly once to a reader that resumes by the id of its last event. News
 * are kept once for all readers; a reader that falls behind them is told to resume and cut off, so that nothing piles up for it.
 *
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class PredictionReaders {
  readonly #options: Required<ReadersOptions>;
  readonly #readers = new Set<Reader>();
  readonly #inLine: (() => void)[] = [];
  #catchingUp = 0;
  #joining = 0;
  #isStopped = false;
  #round: NodeJS.Timeout | undefined;
  #notBeforeMs = 0;
  #unlisten: (() => void) | undefined;
  #lookAround: NodeJS.Timeout | undefined;

  constructor(options: ReadersOptions) {
    this.#options = { most: 1_000, mostCatchingUp: 4, turnMs: 5_000, stuckMs: 30_000, keepAliveMs: 15_000, ...options };
  }

  get count(): number {
    return this.#readers.size;
  }

  get isFull(): boolean {
    return this.#readers.size + this.#joining >= this.#options.most;
  }

  /**
   * Begins a stream of events on a response.
   * @param from - where the reader was; default: only what arrives from now on
   * @throws {GaplineError} retryable, where the log does not answer; nothing is sent then
   */
  async add(response: ServerResponse, options: ReaderOptions, from?: Positions): Promise<void> {
    const recent = await this.#join(from);
    if (this.#isStopped) response.destroy();
    if (response.destroyed) return;
    const { feed, keepAliveMs, logger } = this.#options;
    const reader = new Reader(response, options, (from ?? recent.positions).copy());
    this.#readers.add(reader);
    response.on('close', () => this.#readers.delete(reader));
    this.#unlisten ??= feed.listen(() => this.#schedule(recent));
    this.#lookAround ??= setInterval(() => this.#look(recent), Math.min(2_000, keepAliveMs));
    reader.begin();
    void this.#catchUp(reader, recent).catch((error: unknown) => {
      if (!reader.gone.aborted) logger.warn(`A reader of predictions is cut off: ${describeError(error)}`);
      reader.destroy();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#unlisten?.();
    clearInterval(this.#lookAround);
    clearTimeout(this.#round);
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  async #join(from: Positions | undefined): Promise<RecentPredictions> {
    const { feed } = this.#options;
    this.#joining += 1;
    try {
      const recent = await feed.recent();
      from?.restartBeyond(await feed.end());
      return recent;
    } finally {
      this.#joining -= 1;
    }
  }

  /** Reads from the log what is not among the news any more, then continues with the news. */
  async #catchUp(reader: Reader, recent: RecentPredictions): Promise<void> {
    while (reader.positions.sinceMs > 0 || !recent.reachesBackTo(reader.positions)) {
      // One that is stuck is ended by `#look`.
      while (reader.room <= 0) await reader.untilRoom(this.#options.stuckMs);
      await this.#inTurn(() => this.#replay(reader));
    }
    reader.cursor = recent.first;
    reader.levelAt = recent.next;
    this.#schedule(recent);
  }

  /** Few read the log at once: each reading costs memory, and on Kafka a consumer group. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#catchingUp >= this.#options.mostCatchingUp)
      await new Promise<void>((resolve) => this.#inLine.push(resolve));
    else this.#catchingUp += 1;
    try {
      await work();
    } finally {
      // The turn is handed over, so that nobody comes in between.
      const next = this.#inLine.shift();
      if (next) next();
      else this.#catchingUp -= 1;
    }
  }

  /** Reads the log to its end, or, where others wait, for one turn. */
  async #replay(reader: Reader): Promise<void> {
    const { feed, log, topic, turnMs } = this.#options;
    const { positions, selection, gone: signal } = reader;
    signal.throwIfAborted();
    const overMs = performance.now() + turnMs;
    const isOver = () => this.#inLine.length > 0 && performance.now() > overMs;
    const end = await feed.end();
    const after = new Map([[topic, positions.read]]);
    for await (const records of log.tail([topic], { since: positions.sinceMs, after, follow: false, signal })) {
      for (const record of records) {
        const labelled = new LabelledRecord(record);
        const isSelected = labelled.isSelectedBy(selection);
        while (isSelected && reader.room <= 0) {
          if (isOver()) return;
          await reader.untilRoom(turnMs);
        }
        positions.advance(record);
        if (isSelected) reader.send(eventOf(positions.id, labelled));
      }
      if (isOver()) return;
    }
    signal.throwIfAborted();
    positions.raiseTo(end);
  }

  /** Sends what is new, once the rest of the process had its time. */
  #schedule(recent: RecentPredictions): void {
    this.#round ??= setTimeout(
      () => {
        this.#round = undefined;
        const beganMs = performance.now();
        for (const reader of this.#readers) this.#send(reader, recent);
        const endedMs = performance.now();
        this.#notBeforeMs = endedMs + (endedMs - beganMs) / dutyShare;
      },
      Math.max(0, this.#notBeforeMs - performance.now()),
    );
  }

  #send(reader: Reader, recent: RecentPredictions): void {
    const { cursor, room } = reader;
    if (cursor === undefined || reader.isEnded || reader.gone.aborted) return;
    if (cursor < recent.first) {
      reader.cutOff(this.#options.stuckMs);
      return;
    }
    let events = '';
    let number = cursor;
    for (; number < recent.next && events.length < room; number += 1) events += this.#eventFor(reader, recent, number);
    reader.cursor = number;
    if (events !== '') reader.send(events);
    if (number < recent.next) reader.whenDrained(() => this.#schedule(recent));
  }

  /** The event of one of the news; empty where the reader has it already, or does not want it. */
  #eventFor(reader: Reader, recent: RecentPredictions, number: number): string {
    const news = recent.at(number);
    if (news === undefined) return '';
    const { labelled, id } = news;
    const { positions, selection } = reader;
    const isLevel = number >= reader.levelAt;
    if (!isLevel) {
      if (positions.includes(labelled.record)) return '';
      positions.advance(labelled.record);
    }
    return labelled.isSelectedBy(selection) ? eventOf(isLevel ? id : positions.id, labelled) : '';
  }

  /** Ends the streams of those who may read no more or are stuck, and lets those without news know how far they are. */
  #look(recent: RecentPredictions): void {
    const { stuckMs, keepAliveMs } = this.#options;
    for (const reader of this.#readers) {
      if (reader.stuckForMs > stuckMs) reader.destroy();
      else if (!reader.isAllowed()) reader.end();
      else if (reader.cursor === recent.next && reader.silentForMs >= keepAliveMs) reader.tell(recent.positions.id);
    }
  }
}
