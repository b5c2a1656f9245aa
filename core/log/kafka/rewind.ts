import { GaplineError } from '../../wire/errors.ts';
import type { Rewound } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';

/** What setting a group back would do, by partition in which it has committed something. */
export async function planRewind(
  admin: KafkaAdmin,
  group: string,
  topics: readonly string[],
  sinceMs: number,
): Promise<readonly Rewound[]> {
  const byTopic = topics.map(async (topic) => {
    const [extents, held, since] = await Promise.all([
      admin.extents(topic),
      admin.committed(group, topic),
      admin.offsetsSince(topic, sinceMs),
    ]);
    return extents.flatMap(({ partition, low, high }) => {
      const known = held.get(partition);
      if (known === undefined) return [];
      const from = known < low ? low : known;
      const found = since.get(partition) ?? high;
      const wanted = found < low ? low : found;
      return [{ topic, partition, from, to: wanted < from ? wanted : from }];
    });
  });
  const all = (await Promise.all(byTopic)).flat();
  return all.sort((a, b) => topics.indexOf(a.topic) - topics.indexOf(b.topic) || a.partition - b.partition);
}

/** Sets a group back, and verifies its offsets. Undefined where the group has members. */
export async function rewind(
  admin: KafkaAdmin,
  group: string,
  topics: readonly string[],
  sinceMs: number,
): Promise<readonly Rewound[] | undefined> {
  if (await admin.hasMembers(group)) return undefined;
  const moved = await planRewind(admin, group, topics, sinceMs);
  for (const [topic, own] of Map.groupBy(
    moved.filter(({ from, to }) => to < from),
    ({ topic }) => topic,
  )) {
    await admin.setOffsets(
      group,
      topic,
      own.map(({ partition, to }) => ({ partition, offset: to })),
    );
    const stands = await admin.committed(group, topic);
    const missed = own.filter(({ partition, to }) => stands.get(partition) !== to);
    if (missed.length > 0) {
      const numbers = missed.map(({ partition }) => partition).join(', ');
      const detail = `Group ${group} was not set back in partitions ${numbers} of ${topic}; do it again`;
      throw new GaplineError('log-unavailable', detail, { retryable: true });
    }
  }
  return moved;
}
