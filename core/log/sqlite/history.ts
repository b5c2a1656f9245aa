import { setImmediate as nextTurn } from 'node:timers/promises';
import { CheckpointParts, isUsable } from '../checkpoint.ts';
import type { CheckpointOptions, History, StoredRecord } from '../port.ts';
import type { SqliteEngine } from './engine.ts';
import { endOf } from './records.ts';
import type { Partition } from './topics.ts';

const maxBytes = 4 << 20;

export interface HistoryOptions {
  readonly partition: number;
  readonly inputs: readonly { readonly partition: Partition; readonly next: bigint }[];
  readonly maxRecords: number;
  readonly checkpoints: CheckpointOptions | undefined;
}

/** The committed history of one partition number: the records below the offset `next` of each input. */
export function historyOf(engine: SqliteEngine, options: HistoryOptions): History {
  const { topics, records } = engine;
  const { inputs, maxRecords } = options;
  const committed = new Map(inputs.map(({ partition, next }) => [partition.topic, next]));

  async function* read(partition: Partition, start: bigint, to: bigint): AsyncGenerator<StoredRecord[]> {
    for (let from = start; from < to; ) {
      const batch = records.read(partition, { from, to, maxRecords, maxBytes });
      if (batch.length === 0) return;
      from = endOf(batch, from);
      yield batch;
      // SQLite answers at once: without a turn of the event loop a long history would hold up everything else of the process.
      await nextTurn();
    }
  }

  return {
    committed,
    async *since(sinceMs) {
      for (const { partition, next: to } of inputs) {
        const { first } = topics.extent(partition.id);
        yield* read(partition, records.firstSince(partition.id, sinceMs, { from: first, to }), to);
      }
    },
    async *from(positions) {
      for (const { partition, next: to } of inputs) yield* read(partition, positions.get(partition.topic) ?? to, to);
    },
    async checkpoint(request) {
      const { checkpoints, partition: number } = options;
      if (!checkpoints) return undefined;
      const parts = new CheckpointParts(number);
      const all = topics.partitions(checkpoints.topic);
      const partition = all[engine.partitionOf(`${number}`, all.length)];
      if (!partition) return undefined;
      const { first, next } = topics.extent(partition.id);
      for await (const batch of read(partition, first, next)) parts.add(batch);
      const found = parts.checkpoint();
      const oldest = new Map(inputs.map((input) => [input.partition.topic, topics.extent(input.partition.id).first]));
      return found && isUsable(found, committed, oldest, request) ? found : undefined;
    },
  };
}
