import { setImmediate as turn } from 'node:timers/promises';
import type { StoredRecord, TailOptions } from '../port.ts';
import type { SqliteEngine } from './engine.ts';
import { endOf } from './records.ts';
import { Sampler } from './sampler.ts';
import type { Extent, Partition } from './topics.ts';

const maxRecords = 1_000;
const maxBytes = 1 << 20;

/** How far a tail has read in one partition. */
interface Cursor {
  readonly partition: Partition;
  /** Where the partition ended when the tail began. */
  readonly last: bigint;
  readonly sampler: Sampler | undefined;
  from: bigint;
}

/** Follows topics by offsets that only the reader knows: nothing is written to the file. */
export function tail(
  { topics, records, ends }: SqliteEngine,
  names: readonly string[],
  { since, after, until, follow = until === undefined, sampling }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  // Fixed here and not at the first `next()`, so that "now" is when the caller called.
  const cursors = names.flatMap((name) => {
    const partitions = topics.partitions(name);
    return partitions.map((partition): Cursor => {
      const { first, next } = topics.extent(partition.id);
      const read = after?.get(name)?.get(partition.number);
      const from = read === undefined ? beginning(partition, { first, next }) : resumed(read, { first, next });
      const sampler = sampling && new Sampler(name, partitions.length, sampling);
      const last = until === undefined ? next : records.firstSince(partition.id, until, { from: first, to: next });
      return { partition, from, last, sampler };
    });
  });
  function beginning({ id }: Partition, { first, next }: Extent): bigint {
    return since === 'now' ? next : records.firstSince(id, since, { from: first, to: next });
  }
  const limitOf = ({ partition, last }: Cursor) => (follow ? ends.of(partition.id) : last);
  const isReady = (cursor: Cursor) => limitOf(cursor) > cursor.from && (!follow || Date.now() >= pausedUntilMs(cursor));

  /** Skips the rest of an interval; false where all that has arrived belongs to it. */
  function skipInterval(cursor: Cursor, to: bigint): boolean {
    const { sampler, from, partition } = cursor;
    if (!sampler || sampler.remaining > 0) return true;
    cursor.from = records.firstSince(partition.id, sampler.endMs, { from, to });
    sampler.skipped(from, cursor.from, cursor.from < to);
    return cursor.from < to;
  }

  function readNext(cursor: Cursor): readonly StoredRecord[] {
    const to = limitOf(cursor);
    if (!skipInterval(cursor, to)) return [];
    const most = Math.min(maxRecords, cursor.sampler?.remaining ?? maxRecords);
    const batch = records.read(cursor.partition, { from: cursor.from, to, maxRecords: most, maxBytes });
    // Where retention was faster than the reader there is nothing left to read.
    cursor.from = endOf(batch, to);
    cursor.sampler?.took(batch);
    return batch;
  }

  async function* run(): AsyncGenerator<readonly StoredRecord[]> {
    while (!signal.aborted) {
      let found = false;
      for (const cursor of cursors) {
        if (signal.aborted || !isReady(cursor)) continue;
        const batch = readNext(cursor);
        if (batch.length > 0) yield batch;
        found = true;
        await turn();
      }
      if (found) continue;
      if (!follow) return;
      await ends.wait(untilNextInterval(cursors, signal), () => cursors.some(isReady));
    }
  }
  return run();
}

function resumed(read: bigint, { first, next }: Extent): bigint {
  const from = read + 1n;
  return from < first || from > next ? first : from;
}

/** Before then nothing can arrive that would be read: the current interval has returned what it may. */
const pausedUntilMs = ({ sampler }: Cursor): number =>
  sampler === undefined || sampler.remaining > 0 ? Number.NEGATIVE_INFINITY : sampler.endMs;

/** Aborted with the signal, or when the next interval begins for a cursor that waits for it. */
function untilNextInterval(cursors: readonly Cursor[], signal: AbortSignal): AbortSignal {
  const soonestMs = Math.min(...cursors.map(pausedUntilMs).filter(Number.isFinite));
  if (soonestMs === Number.POSITIVE_INFINITY) return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, soonestMs - Date.now()))]);
}
