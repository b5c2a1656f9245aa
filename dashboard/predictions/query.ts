import { type EventLog, totalLag } from '../../core/log/port.ts';
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
  readonly log: Pick<EventLog, 'tail' | 'lag'>;
  readonly topic: string;
  /** How far ahead of its arrival the time of a reading may be. Default one hour. */
  readonly maxAheadMs?: number;
  /** Read from the log for one answer, at most. Default 256 MB. */
  readonly maxBytes?: number;
  readonly nowMs?: () => number;
}

/** How far back in the log is looked, step by step, until there is enough. */
const pastsMs = [10_000, 60_000, 600_000, 3_600_000, 86_400_000, Number.POSITIVE_INFINITY];
/** A topic of so few records is read at once: on Kafka each step joins a group, which takes longer. */
const fewRecords = 20_000;

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

  texts(): string[] {
    return this.list().map(({ text }) => text);
  }

  list(): Match[] {
    return this.#matches.toSorted((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0)).slice(0, this.#limit);
  }
}

/**
 * Looks predictions up in the log, the latest arrivals first: what is asked for is mostly new. The log has no index by device, so a
 * question for what is rare or old reads much; `maxBytes` bounds that, and then the answer holds what was found until then.
 */
export async function queryPredictions(query: Query, options: QueryOptions, signal: AbortSignal): Promise<Answer> {
  const { maxAheadMs = 3_600_000, nowMs = Date.now } = options;
  const now = nowMs();
  // A reading is not labelled before it arrived, and hardly arrives before its time.
  const earliestMs = query.since === undefined ? 0 : Math.max(0, Number(query.since / 1_000_000n) - maxAheadMs);
  const newest = new Newest(query.limit);
  const reading = { ...options, query, newest, signal, left: options.maxBytes ?? 256_000_000 };
  let untilMs: number | undefined;
  for (const pastMs of pastsMs) {
    const isRest = untilMs !== undefined && (await isSmall(options));
    const sinceMs = isRest ? earliestMs : Math.max(earliestMs, now - pastMs);
    const isRead = await readBetween(sinceMs, untilMs, reading);
    if (!isRead) return { predictions: newest.texts(), complete: false };
    if (newest.isFull || sinceMs === earliestMs) break;
    untilMs = sinceMs;
  }
  return { predictions: newest.texts(), complete: true };
}

/** Nobody reads in the name of this group, so all that the topic holds waits for it. */
const isSmall = async ({ log, topic }: QueryOptions): Promise<boolean> =>
  totalLag(await log.lag(`${topic}.probe`, [topic])) <= fewRecords;

interface Reading extends QueryOptions {
  readonly query: Query;
  readonly newest: Newest;
  readonly signal: AbortSignal;
  /** Bytes that may still be read. */
  left: number;
}

/** Adds the matches among what arrived between two times; false where that is too much to read. */
async function readBetween(since: number, until: number | undefined, reading: Reading): Promise<boolean> {
  const { log, topic, query, newest, signal } = reading;
  const options = { since, follow: false, signal, ...(until !== undefined && { until }) };
  for await (const records of log.tail([topic], options)) {
    for (const record of records) {
      reading.left -= record.value.byteLength;
      const match = matchOf(new LabelledRecord(record), query);
      if (match) newest.add(match);
    }
    if (reading.left < 0) return false;
  }
  signal.throwIfAborted();
  return true;
}

function matchOf(labelled: LabelledRecord, query: Query): Match | undefined {
  if (!labelled.isSelectedBy(query)) return undefined;
  const time = parsePrediction(labelled.record.value)?.time;
  if (time === undefined || !/^-?\d{1,20}$/.test(time)) return undefined;
  const at = BigInt(time);
  return query.since === undefined || at >= query.since ? { time: at, text: labelled.text } : undefined;
}
