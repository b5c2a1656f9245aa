import { setImmediate as turn } from 'node:timers/promises';
import type { StoredRecord, TailOptions } from '../port.ts';
import type { Engine } from './engine.ts';

const maxRecords = 1_000;
const maxBytes = 1 << 20;

/** Follows topics by position alone: nothing of it is in the file. */
export function tail(
  { topics, records, ends }: Engine,
  names: readonly string[],
  { since, follow = true }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  // Fixed here and not at the first `next()`, so that "now" is when the caller asked.
  const places = names
    .flatMap((name) => topics.partitions(name))
    .map((partition) => {
      const { first, next } = topics.extent(partition.id);
      const from = since === 'now' ? next : records.firstSince(partition.id, since, { from: first, to: next });
      return { partition, from, last: next };
    });
  const endOf = ({ partition, last }: (typeof places)[number]) => (follow ? ends.of(partition.id) : last);

  async function* run(): AsyncGenerator<readonly StoredRecord[]> {
    while (!signal.aborted) {
      let found = false;
      for (const place of places) {
        const to = endOf(place);
        if (signal.aborted || place.from >= to) continue;
        const batch = records.read(place.partition, { from: place.from, to, maxRecords, maxBytes });
        // Where retention was faster than the reader there is nothing left to read.
        place.from = batch.length === 0 ? to : batch.at(-1)!.offset + 1n;
        if (batch.length > 0) yield batch;
        found = true;
        await turn();
      }
      if (found) continue;
      if (!follow) return;
      await ends.until(signal, () => places.some((place) => endOf(place) > place.from));
    }
  }
  return run();
}
