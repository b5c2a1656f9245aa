import type { StoredRecord } from '../../core/log/port.ts';
import type { FactTable } from '../../core/steps/facts/table.ts';
import type { ReadingBatch } from '../decode.ts';
import { absorb, forgottenBy, type ModelSession } from './model-slot.ts';

/**
 * Replays records to a session without labelling them. Those that cannot be read are left out, and so is one that a step cannot take: it was
 * a dead letter when it was new. How many readings were taken in.
 */
export function replay(modelSession: ModelSession, readings: ReadingBatch, records: readonly StoredRecord[]): number {
  readings.reset(records.length);
  for (const record of records) readings.take(record);
  if (readings.isEmpty) return 0;
  const { count } = readings;
  if (absorb(modelSession, readings)) return count;
  if (records.length === 1) return 0;
  const middle = records.length >> 1;
  return (
    replay(modelSession, readings, records.slice(0, middle)) + replay(modelSession, readings, records.slice(middle))
  );
}

/**
 * As {@link replay}, to several sessions in one pass.
 * @param facts - the table that all of them use, which the facts of the past are added to
 */
export async function replayAll(
  sessions: readonly ModelSession[],
  past: AsyncIterable<readonly StoredRecord[]>,
  readings: ReadingBatch,
  facts: FactTable,
): Promise<number> {
  let replayed = 0;
  for await (const records of past) replayed += replayBatch(sessions, records, readings, facts);
  return replayed;
}

/** As {@link replayAll}, of records of one topic. */
export function replayBatch(
  sessions: readonly ModelSession[],
  records: readonly StoredRecord[],
  readings: ReadingBatch,
  facts: FactTable,
): number {
  if (records[0]?.topic !== readings.factsTopic)
    return sessions.reduce((sum, session) => sum + replay(session, readings, records), 0);
  replayFacts(sessions, facts, readings, records);
  return 0;
}

/** Each session sees a fact before the table holds it, whether or not another session can take it in. */
function replayFacts(
  sessions: readonly ModelSession[],
  facts: FactTable,
  readings: ReadingBatch,
  records: readonly StoredRecord[],
): void {
  for (const record of records) {
    for (const session of sessions) replay(session, readings, [record]);
    readings.reset(1);
    readings.take(record);
    facts.commit(readings.facts, forgottenBy(sessions));
  }
}
