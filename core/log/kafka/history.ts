import { CheckpointParts, isUsable } from '../checkpoint.ts';
import type { Checkpoint, CheckpointOptions, History, Positions } from '../port.ts';
import type { KafkaEngine } from './engine.ts';
import { readSpans } from './reader.ts';

/** Where the last checkpoint is looked for first: so many offsets before the end. All of a topic may be long until Kafka compacts it. */
const nearEnd = 4_000n;

export interface HistoryOptions {
  readonly partition: number;
  /** By topic, where the group resumes. */
  readonly committed: Positions;
  readonly checkpoints: CheckpointOptions | undefined;
  readonly signal: AbortSignal;
}

/** The committed history of one partition number: the records below the committed offset of each input. */
export function historyOf(engine: KafkaEngine, { partition, committed, checkpoints, signal }: HistoryOptions): History {
  return {
    committed,
    async *since(sinceMs) {
      for (const [topic, to] of committed) {
        const starts = await engine.admin.offsetsSince(topic, sinceMs);
        yield* readSpans(engine, [{ topic, partition, from: starts.get(partition) ?? to, to }], signal);
        // Where it ended early, nobody shall take it for the whole.
        signal.throwIfAborted();
      }
    },
    async *from(positions) {
      for (const [topic, to] of committed) {
        yield* readSpans(engine, [{ topic, partition, from: positions.get(topic) ?? to, to }], signal);
        signal.throwIfAborted();
      }
    },
    async checkpoint(request) {
      const found = checkpoints && (await lastCheckpoint(engine, checkpoints.topic, partition, signal));
      if (!found) return undefined;
      return isUsable(found, committed, await oldestOf(engine, partition, committed), request) ? found : undefined;
    },
  };
}

async function lastCheckpoint(
  engine: KafkaEngine,
  topic: string,
  partition: number,
  signal: AbortSignal,
): Promise<Checkpoint | undefined> {
  const extents = await engine.admin.extents(topic);
  const number = engine.partitionOf(`${partition}`, extents.length);
  const extent = extents.find((each) => each.partition === number);
  if (!extent) return undefined;
  const { low, high } = extent;
  const near = high - nearEnd > low ? high - nearEnd : low;
  for (const from of near > low ? [near, low] : [low]) {
    const parts = new CheckpointParts(partition);
    for await (const records of readSpans(engine, [{ topic, partition: number, from, to: high }], signal))
      parts.add(records);
    signal.throwIfAborted();
    const found = parts.checkpoint();
    if (found) return found;
  }
  return undefined;
}

/** By topic, the oldest offset that is left. */
async function oldestOf(engine: KafkaEngine, partition: number, committed: Positions): Promise<Positions> {
  const oldest = Array.from(committed.keys(), async (topic) => {
    const extents = await engine.admin.extents(topic);
    return [topic, extents.find((each) => each.partition === partition)?.low ?? 0n] as const;
  });
  return new Map(await Promise.all(oldest));
}
