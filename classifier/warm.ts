import type { EventLog, History, StoredRecord } from '../core/log/port.ts';
import type { Stream } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';
import type { Station } from './model-slot.ts';

/** Shows records of the past to a session. Those that could not be read then are passed over now. */
function show({ serving, session }: Station, readings: ReadingBatch, records: readonly StoredRecord[]): number {
  readings.reset(records.length);
  for (const { value } of records) readings.add(value);
  if (readings.count > 0) session.warm(serving.project(readings.rows()));
  return readings.count;
}

/** Shows a newly assigned partition's committed past to its session. How many readings that were. */
export async function warmFromHistory(
  station: Station,
  stream: Stream,
  history: History,
  nowMs: number,
): Promise<number> {
  const { memoryMs } = station.serving.model;
  if (memoryMs === 0) return 0;
  const readings = new ReadingBatch(stream);
  let shown = 0;
  for await (const records of history.since(nowMs - memoryMs)) shown += show(station, readings, records);
  return shown;
}

export interface WarmFromLogOptions {
  readonly log: EventLog;
  readonly stream: Stream;
  readonly group: string;
  /** By partition; all of one model. */
  readonly stations: ReadonlyMap<number, Station>;
  readonly sinceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Shows the committed past to the sessions of partitions that are at work already, in one pass over the log.
 * @returns by partition, the offset before which everything was shown
 */
export async function warmFromLog(options: WarmFromLogOptions): Promise<ReadonlyMap<number, bigint>> {
  const { log, stream, group, stations, sinceMs, signal } = options;
  const topic = stream.topics.readings;
  const lags = await log.lag(group, [topic]);
  const ends = new Map(lags.map(({ partition, committed }) => [partition, committed]));
  const readings = new ReadingBatch(stream);
  const behind = new Set(stations.keys());
  for await (const records of log.tail([topic], { since: sinceMs, follow: false, signal })) {
    for (const [partition, own] of Map.groupBy(records, (record) => record.partition)) {
      const station = stations.get(partition);
      const end = ends.get(partition) ?? 0n;
      if (!station) continue;
      const past = own.filter(({ offset }) => offset < end);
      if (past.length < own.length) behind.delete(partition);
      if (past.length > 0) show(station, readings, past);
    }
    // What lies ahead may be long.
    if (behind.size === 0) break;
  }
  signal.throwIfAborted();
  return new Map(Array.from(stations.keys(), (partition) => [partition, ends.get(partition) ?? 0n]));
}
