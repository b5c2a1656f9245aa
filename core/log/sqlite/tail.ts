import { setImmediate as turn } from 'node:timers/promises';
import type { StoredRecord, TailOptions } from '../port.ts';
import type { SqliteEngine } from './engine.ts';
import { Sampler } from './sampler.ts';
import type { Partition } from './topics.ts';

const maxRecords = 1_000;
const maxBytes = 1 << 20;

interface Cursor {
  readonly partition: Partition;
  readonly last: bigint;
  readonly sampler: Sampler | undefined;
  from: bigint;
}

/** Follows topics by position alone: nothing of it is in the file. */
export function tail(
  { topics, records, ends }: SqliteEngine,
  names: readonly string[],
  { since, follow = true, sampling }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  // Fixed here and not at the first `next()`, so that "now" is when the caller asked.
  const places = names.flatMap((name) => {
    const partitions = topics.partitions(name);
    return partitions.map((partition): Cursor => {
      const { first, next } = topics.extent(partition.id);
      const from = since === 'now' ? next : records.firstSince(partition.id, since, { from: first, to: next });
      const sampler = sampling && new Sampler(name, partitions.length, sampling);
      return { partition, from, last: next, sampler };
    });
  });
  const endOf = ({ partition, last }: Cursor) => (follow ? ends.of(partition.id) : last);
  /** What arrives while a stretch without room goes on cannot be of a later one, so there is nothing to look for. */
  const isReady = (place: Cursor) =>
    endOf(place) > place.from && (!follow || isRoomy(place) || Date.now() >= place.sampler!.endMs);

  /** Passes over the rest of a stretch; false where all that has arrived belongs to it. */
  function passOver(place: Cursor, to: bigint): boolean {
    const { sampler, from, partition } = place;
    if (!sampler || sampler.remaining > 0) return true;
    place.from = records.firstSince(partition.id, sampler.endMs, { from, to });
    sampler.skipped(from, place.from, place.from < to);
    return place.from < to;
  }

  function* step(place: Cursor): Generator<readonly StoredRecord[]> {
    const to = endOf(place);
    if (!passOver(place, to)) return;
    const most = Math.min(maxRecords, place.sampler?.remaining ?? maxRecords);
    const batch = records.read(place.partition, { from: place.from, to, maxRecords: most, maxBytes });
    // Where retention was faster than the reader there is nothing left to read.
    place.from = batch.length === 0 ? to : batch.at(-1)!.offset + 1n;
    if (batch.length === 0) return;
    place.sampler?.took(batch);
    yield batch;
  }

  async function* run(): AsyncGenerator<readonly StoredRecord[]> {
    while (!signal.aborted) {
      let found = false;
      for (const place of places) {
        if (signal.aborted || !isReady(place)) continue;
        yield* step(place);
        found = true;
        await turn();
      }
      if (found) continue;
      if (!follow) return;
      await ends.until(untilNextStretch(places, signal), () => places.some(isReady));
    }
  }
  return run();
}

const isRoomy = ({ sampler }: Cursor) => sampler === undefined || sampler.remaining > 0;

/** Aborted with the signal, or when the next stretch begins of a place that waits for it. */
function untilNextStretch(places: readonly Cursor[], signal: AbortSignal): AbortSignal {
  const waitingMs = places.flatMap((place) => (isRoomy(place) ? [] : place.sampler!.endMs - Date.now()));
  if (waitingMs.length === 0) return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.min(...waitingMs)))]);
}
