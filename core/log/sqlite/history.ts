import type { History } from '../port.ts';
import type { SqliteEngine } from './engine.ts';
import { endOf } from './records.ts';
import type { Partition } from './topics.ts';

const maxBytes = 4 << 20;

/** The committed history of one partition number: the records below the offset `next` of each input. */
export function historyOf(
  { topics, records }: SqliteEngine,
  inputs: readonly { readonly partition: Partition; readonly next: bigint }[],
  maxRecords: number,
): History {
  return {
    async *since(sinceMs) {
      for (const { partition, next: to } of inputs) {
        const { first } = topics.extent(partition.id);
        let from = records.firstSince(partition.id, sinceMs, { from: first, to });
        while (from < to) {
          const batch = records.read(partition, { from, to, maxRecords, maxBytes });
          if (batch.length === 0) break;
          from = endOf(batch, from);
          yield batch;
        }
      }
    },
  };
}
