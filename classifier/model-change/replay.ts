import type { StoredRecord } from '../../core/log/port.ts';
import type { ReadingBatch } from '../decode.ts';
import { absorb, type ModelSession } from './model-slot.ts';

/**
 * Replays records to a session without labelling them. Those that cannot be read are left out, and so is one that a step cannot take: it was
 * a dead letter when it was new. How many readings were taken in.
 */
export function replay(modelSession: ModelSession, readings: ReadingBatch, records: readonly StoredRecord[]): number {
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

/** As {@link replay}, to several sessions in one pass. */
export async function replayAll(
  sessions: readonly ModelSession[],
  past: AsyncIterable<readonly StoredRecord[]>,
  readings: ReadingBatch,
): Promise<number> {
  let replayed = 0;
  if (sessions.length === 0) return replayed;
  for await (const records of past) for (const session of sessions) replayed += replay(session, readings, records);
  return replayed;
}
