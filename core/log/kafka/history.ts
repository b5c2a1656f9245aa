import type { History } from '../port.ts';
import type { KafkaEngine } from './engine.ts';
import { readSpans } from './reader.ts';

/** The committed history of one partition number: the records below the offset `to` of each input. */
export function historyOf(
  engine: KafkaEngine,
  partition: number,
  inputs: readonly { readonly topic: string; readonly to: bigint }[],
  signal: AbortSignal,
): History {
  return {
    async *since(sinceMs) {
      for (const { topic, to } of inputs) {
        const starts = await engine.admin.offsetsSince(topic, sinceMs);
        yield* readSpans(engine, [{ topic, partition, from: starts.get(partition) ?? to, to }], signal);
      }
    },
  };
}
