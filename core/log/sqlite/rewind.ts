import type { Rewound } from '../port.ts';
import type { SqliteEngine } from './engine.ts';
import { tryLease } from './lease.ts';
import type { Partition } from './topics.ts';

/** How long setting a group back waits for another process that writes. */
const rewindMs = 10_000;

/** Where a group would stand after it was set back; undefined for a partition in which it has committed nothing. */
function target(engine: SqliteEngine, group: string, partition: Partition, sinceMs: number): Rewound | undefined {
  const from = engine.offsets.of(group, partition);
  if (from === undefined) return undefined;
  const { first } = engine.topics.extent(partition.id);
  const to = engine.records.firstSince(partition.id, sinceMs, { from: first, to: from });
  return { topic: partition.topic, partition: partition.number, from, to: to < from ? to : from };
}

/** What setting a group back would do. */
export function planRewind(
  engine: SqliteEngine,
  group: string,
  partitions: readonly Partition[],
  sinceMs: number,
): readonly Rewound[] {
  return partitions.flatMap((partition) => target(engine, group, partition, sinceMs) ?? []);
}

/** Sets a group back in one transaction, under its lease. Undefined where a member holds that. */
export async function rewind(
  engine: SqliteEngine,
  group: string,
  partitions: readonly Partition[],
  sinceMs: number,
): Promise<readonly Rewound[] | undefined> {
  const lease = await tryLease(engine.file, group);
  if (!lease) return undefined;
  let moved: readonly Rewound[] = [];
  try {
    await engine.writer.submit({
      bytes: 0,
      deadline: performance.now() + rewindMs,
      run() {
        moved = planRewind(engine, group, partitions, sinceMs);
        for (const partition of partitions) {
          const own = moved.find(
            ({ topic, partition: number }) => topic === partition.topic && number === partition.number,
          );
          if (own) engine.offsets.advance(group, partition, own.from, own.to);
        }
      },
    });
    return moved;
  } finally {
    lease.release();
  }
}
