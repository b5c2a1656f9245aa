import type { EventLog } from '../../core/log/port.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { ReadingBatch } from '../decode.ts';
import type { ModelSession } from './model-slot.ts';
import { replay } from './replay.ts';

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
