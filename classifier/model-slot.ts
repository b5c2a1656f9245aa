import type { Session } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import type { Serving } from './serving.ts';

/** A model version at work on one partition. */
export interface Station {
  readonly serving: Serving;
  readonly session: Session;
}

export const openStation = (serving: Serving): Station => ({ serving, session: serving.model.open() });

/** Rows that were committed while a successor was being warmed. */
interface Kept {
  readonly lastOffset: bigint;
  /** In the stream's columns. */
  readonly rows: Rows;
}

interface Successor {
  /** Undefined where the seat is to be empty. */
  readonly station: Station | undefined;
  readonly kept: Kept[];
  keptRows: number;
  ready: boolean;
}

export interface SeatEvents {
  /** Somebody left the seat. */
  readonly left: () => void;
  /** The successor could not remember what was kept for it; the one who sits stays. */
  readonly failed: (error: unknown) => void;
}

/** Beyond so many rows or values the oldest of what was committed during a warm-up is forgotten. */
const maxKeptRows = 20_000;
const maxKeptValues = 1_000_000;

/**
 * Where a partition's session sits. A successor takes over between two batches, once it has been shown the past: what was committed
 * before it came is read from the log; what is committed while that goes on is kept here and shown to it last.
 */
export class Seat {
  readonly #events: SeatEvents;
  #current: Station | undefined;
  #next: Successor | undefined;
  /** A batch was taken and is not committed yet. */
  #inHand = false;

  constructor(first: Station | undefined, events: SeatEvents) {
    this.#current = first;
    this.#events = events;
  }

  get current(): Station | undefined {
    return this.#current;
  }

  /** Both who sits and who is to. */
  uses(serving: Serving): boolean {
    return this.#current?.serving === serving || this.#next?.station?.serving === serving;
  }

  /** Begins a succession; one that was under way is given up. */
  announce(station: Station | undefined): void {
    this.#next = { station, kept: [], keptRows: 0, ready: false };
  }

  /** The successor was shown everything before this offset. It takes over now, or after the batch in hand. */
  ready(station: Station | undefined, before: bigint): void {
    const next = this.#next;
    if (!next || next.station !== station) return;
    next.ready = true;
    next.kept.splice(0, next.kept.length, ...next.kept.filter(({ lastOffset }) => lastOffset >= before));
    if (!this.#inHand) this.#succeed();
  }

  /** Who labels the next batch. */
  take(): Station | undefined {
    this.#succeed();
    this.#inHand = true;
    return this.#current;
  }

  /** The batch is committed. The rows may be used again by the caller. */
  committed(rows: Rows, lastOffset: bigint): void {
    this.#inHand = false;
    const next = this.#next;
    if (!next) return;
    if (next.station && next.station.serving.model.memoryMs > 0 && rows.count > 0) {
      next.kept.push({ lastOffset, rows: { ...rows, values: rows.values.slice(), times: rows.times.slice() } });
      next.keptRows += rows.count;
      const most = Math.min(maxKeptRows, maxKeptValues / rows.width);
      while (next.keptRows > most && next.kept.length > 1) next.keptRows -= next.kept.shift()!.rows.count;
    }
    this.#succeed();
  }

  #succeed(): void {
    const next = this.#next;
    if (!next?.ready) return;
    this.#next = undefined;
    try {
      for (const { rows } of next.kept) next.station?.session.warm(next.station.serving.project(rows));
      this.#current = next.station;
    } catch (error) {
      this.#events.failed(error);
    }
    this.#events.left();
  }
}
