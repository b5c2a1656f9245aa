import type { EventLog } from '../../core/log/port.ts';
import { parsePrediction } from '../figures/records.ts';
import { LabelledRecord, type Selection } from './labelled-record.ts';

export interface Query extends Selection {
  /** The earliest time of a reading, in nanoseconds since the epoch. */
  readonly since?: bigint;
  readonly limit: number;
}

export interface Answer {
  /** Newest first, each as JSON. */
  readonly predictions: readonly string[];
  /** Whether all that was looked for was looked at. */
  readonly complete: boolean;
}

export interface QueryOptions {
  readonly log: EventLog;
  readonly topic: string;
  /** How far ahead of its arrival the time of a reading may be. Default one hour. */
  readonly maxAheadMs?: number;
  /** Read from the log for one answer, at most. Default 256 MB. */
  readonly maxBytes?: number;
  readonly nowMs?: () => number;
}

/** How far back in the log is looked, step by step, until there is enough. */
const pastsMs = [10_000, 60_000, 600_000, 3_600_000, 86_400_000, Number.POSITIVE_INFINITY];

interface Match {
  readonly time: bigint;
  readonly text: string;
}

/** The newest matches by the time of their readings. */
class Newest {
  readonly #limit: number;
  #matches: Match[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#matches.length >= this.#limit;
  }

  add(match: Match): void {
    this.#matches.push(match);
    if (this.#matches.length >= this.#limit * 4) this.#matches = this.list();
  }

  list(): Match[] {
    return this.#matches.toSorted((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0)).slice(0, this.#limit);
  }
}

/**
 * Looks predictions up in the log, the latest arrivals first: what is asked for is mostly new. The log has no index by device, so a
 * question for what is rare or old reads much; `maxBytes` bounds that, and then the answer holds what the last step found.
 */
export async function queryPredictions(query: Query, options: QueryOptions, signal: AbortSignal): Promise<Answer> {
  const { maxAheadMs = 3_600_000, nowMs = Date.now } = options;
  const now = nowMs();
  // A reading is not labelled before it arrived, and hardly arrives before its time.
  const earliestMs = query.since === undefined ? 0 : Math.max(0, Number(query.since / 1_000_000n) - maxAheadMs);
  let found: readonly string[] = [];
  for (const pastMs of pastsMs) {
    const sinceMs = Math.max(earliestMs, now - pastMs);
    const newest = await readSince(sinceMs, query, options, signal);
    if (newest === undefined) return { predictions: found, complete: false };
    found = newest.list().map(({ text }) => text);
    if (newest.isFull || sinceMs === earliestMs) break;
  }
  return { predictions: found, complete: true };
}

/** The matches among what arrived since a time; undefined where that is too much to read. */
async function readSince(
  sinceMs: number,
  query: Query,
  { log, topic, maxBytes = 256_000_000 }: QueryOptions,
  signal: AbortSignal,
): Promise<Newest | undefined> {
  const newest = new Newest(query.limit);
  let bytes = 0;
  for await (const records of log.tail([topic], { since: sinceMs, follow: false, signal })) {
    for (const record of records) {
      bytes += record.value.byteLength;
      const match = matchOf(new LabelledRecord(record), query);
      if (match) newest.add(match);
    }
    if (bytes > maxBytes) return undefined;
  }
  signal.throwIfAborted();
  return newest;
}

function matchOf(labelled: LabelledRecord, query: Query): Match | undefined {
  if (!labelled.isSelectedBy(query)) return undefined;
  const time = parsePrediction(labelled.record.value)?.time;
  if (time === undefined || !/^-?\d{1,20}$/.test(time)) return undefined;
  const at = BigInt(time);
  return query.since === undefined || at >= query.since ? { time: at, text: labelled.text } : undefined;
}
