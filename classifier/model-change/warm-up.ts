import type { EventLog, History, StoredRecord } from '../../core/log/port.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { ReadingBatch } from '../decode.ts';
import { loadEntry, readCheckpoint } from './checkpoint.ts';
import { absorb, type ModelSession, remembers } from './model-slot.ts';

/**
 * Replays records to a session without labelling them. Those that cannot be read are left out, and so is one that a step cannot take: it was
 * a dead letter when it was new. How many readings were taken in.
 */
function replay(modelSession: ModelSession, readings: ReadingBatch, records: readonly StoredRecord[]): number {
  readings.reset(records.length);
  for (const { value } of records) readings.add(value);
  if (readings.count === 0) return 0;
  const { count } = readings;
  if (absorb(modelSession, readings)) return count;
  if (records.length === 1) return 0;
  const middle = records.length >> 1;
  return (
    replay(modelSession, readings, records.slice(0, middle)) + replay(modelSession, readings, records.slice(middle))
  );
}

/** How far back to read where there is no checkpoint: what the imputer remembers, and the windows that may be open. */
function reachMs({ streamModel: { model } }: ModelSession): number {
  const lengthMs = (model.steps?.chain.shape.windows?.lengthNs ?? 0) / 1e6;
  return model.memoryMs + 2 * lengthMs;
}

/**
 * Restores the state of a session, exactly from its last checkpoint, else about from the committed past of its newly assigned partition.
 * @returns how many readings were replayed
 */
export async function warmUpFromHistory(
  session: ModelSession,
  stream: Stream,
  history: History,
  nowMs: number,
): Promise<number> {
  if (!remembers(session)) return 0;
  const checkpoint = await history.checkpoint();
  const isLoaded = checkpoint !== undefined && loadEntry(session, readCheckpoint(checkpoint.state));
  const past = isLoaded ? history.from(checkpoint.positions) : history.since(nowMs - reachMs(session));
  const readings = new ReadingBatch(stream);
  let replayed = 0;
  for await (const records of past) replayed += replay(session, readings, records);
  return replayed;
}

export interface WarmUpFromLogOptions {
  readonly log: EventLog;
  readonly stream: Stream;
  readonly group: string;
  /** By partition; all of one model. */
  readonly sessions: ReadonlyMap<number, ModelSession>;
  readonly sinceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Restores the state of sessions whose partitions are at work already, in one pass over the log.
 * @returns by partition, the offset before which everything was replayed
 */
export async function warmUpFromLog(options: WarmUpFromLogOptions): Promise<ReadonlyMap<number, bigint>> {
  const { log, stream, group, sessions, sinceMs, signal } = options;
  const topic = stream.topics.readings;
  const lags = await log.lag(group, [topic]);
  const ends = new Map(lags.map(({ partition, committed }) => [partition, committed]));
  const readings = new ReadingBatch(stream);
  const behind = new Set(sessions.keys());
  for await (const records of log.tail([topic], { since: sinceMs, follow: false, signal })) {
    for (const [partition, own] of Map.groupBy(records, (record) => record.partition)) {
      const session = sessions.get(partition);
      const end = ends.get(partition) ?? 0n;
      if (!session) continue;
      const past = own.filter(({ offset }) => offset < end);
      if (past.length < own.length) behind.delete(partition);
      if (past.length > 0) replay(session, readings, past);
    }
    // What is not committed yet may be long.
    if (behind.size === 0) break;
  }
  signal.throwIfAborted();
  return new Map(Array.from(sessions.keys(), (partition) => [partition, ends.get(partition) ?? 0n]));
}
