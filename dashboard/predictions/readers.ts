import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { EventLog } from '../../core/log/port.ts';
import { describeError } from '../../core/wire/errors.ts';
import { Audiences } from './audience.ts';
import { eventOf } from './event.ts';
import type { PredictionFeed } from './feed.ts';
import { LabelledRecord } from './labelled-record.ts';
import type { Positions } from './positions.ts';
import { Reader, type ReaderOptions } from './reader.ts';
import type { RecentPredictions } from './recent.ts';
import { Rounds } from './rounds.ts';

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

/** Of the time of the process, the share that one who reads the log may take while others wait for their turn. */
const replayShare = 0.25;
/** So much may arrive at once without anybody being too slow. */
const burstBytes = 1 << 20;
/** News that are looked at before the rest of the process has its time. */
const newsAtOnce = 1_000;

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
  readonly #audiences = new Audiences();
  #rounds: Rounds | undefined;
  /** The number of the first of the news that audiences have not got. */
  #collected = 0;
  #unlisten: (() => void) | undefined;
  #lookAround: NodeJS.Timeout | undefined;

  constructor(options: ReadersOptions) {
    this.#options = { most: 1_000, mostCatchingUp: 4, turnMs: 5_000, stuckMs: 30_000, keepAliveMs: 15_000, ...options };
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Selections that somebody reads by. */
  get audiences(): number {
    return this.#audiences.size;
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
    const { keepAliveMs, logger } = this.#options;
    const reader = new Reader(response, options, (from ?? recent.positions).copy());
    this.#readers.add(reader);
    response.on('close', () => {
      this.#readers.delete(reader);
      this.#audiences.leave(reader);
    });
    this.#rounds ??= this.#begin(recent);
    this.#lookAround ??= setInterval(() => this.#look(recent), Math.min(2_000, keepAliveMs));
    reader.begin();
    if (from === undefined) return this.#audiences.join(reader);
    void this.#catchUp(reader, recent).catch((error: unknown) => {
      if (!reader.gone.aborted) logger.warn(`A reader of predictions is cut off: ${describeError(error)}`);
      reader.destroy();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#unlisten?.();
    clearInterval(this.#lookAround);
    this.#rounds?.stop();
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  #begin(recent: RecentPredictions): Rounds {
    const rounds = new Rounds({
      mostBytes: Math.max(burstBytes, recent.mostBytes),
      cutOff: (reader) => reader.cutOff(this.#options.stuckMs),
    });
    this.#collected = recent.next;
    this.#unlisten = this.#options.feed.listen(() => this.#collect(recent, rounds));
    return rounds;
  }

  /** Gives the news to those who want them. */
  #collect(recent: RecentPredictions, rounds: Rounds): void {
    for (let number = this.#collected; number < recent.next; number += 1) {
      const news = recent.at(number);
      const audiences = news === undefined ? [] : this.#audiences.of(news.labelled);
      if (news === undefined || audiences.length === 0) continue;
      const event = eventOf(news.id, news.labelled);
      for (const audience of audiences) {
        audience.parts.collect(event);
        rounds.wake(audience);
      }
    }
    this.#collected = recent.next;
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

  /** Reads from the log what is not among the news any more, then from the news, then continues with the others. */
  async #catchUp(reader: Reader, recent: RecentPredictions): Promise<void> {
    const { feed, stuckMs } = this.#options;
    while (!(await this.#readNews(reader, recent))) {
      reader.positions.restartBeyond(await feed.end());
      // One that is stuck is ended by `#look`.
      while (reader.room <= 0) await reader.untilRoom(stuckMs);
      await this.#inTurn(() => this.#replay(reader));
    }
  }

  /** Sends from the news what a reader has not read, with ids of its own; returns whether it is level with the others now. */
  async #readNews(reader: Reader, recent: RecentPredictions): Promise<boolean> {
    const { positions, selection } = reader;
    if (positions.sinceMs > 0 || !recent.reachesBackTo(positions)) return false;
    const { first } = recent;
    for (let number = first; number < recent.next; number += 1) {
      if ((number - first) % newsAtOnce === newsAtOnce - 1) await new Promise(setImmediate);
      while (reader.room <= 0) await reader.untilRoom(this.#options.stuckMs);
      const news = recent.at(number);
      // Forgotten meanwhile.
      if (news === undefined) return false;
      const { labelled } = news;
      if (positions.includes(labelled.record)) continue;
      positions.advance(labelled.record);
      if (labelled.isSelectedBy(selection)) reader.send(eventOf(positions.id, labelled));
    }
    reader.gone.throwIfAborted();
    this.#audiences.join(reader);
    return true;
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
    let beganMs = performance.now();
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
      const tookMs = performance.now() - beganMs;
      if (this.#inLine.length > 0) await sleep(Math.min(tookMs * (1 / replayShare - 1), turnMs), undefined, { signal });
      beganMs = performance.now();
    }
    signal.throwIfAborted();
    positions.raiseTo(end);
  }

  /** Ends the streams of those who may read no more or are stuck, and lets those without news know how far they are. */
  #look(recent: RecentPredictions): void {
    const { stuckMs, keepAliveMs } = this.#options;
    for (const reader of this.#readers) {
      if (reader.stuckForMs > stuckMs) reader.destroy();
      else if (!reader.isAllowed()) reader.end();
      else if (reader.isLevel && reader.silentForMs >= keepAliveMs) reader.tell(recent.positions.id);
    }
  }
}
