import type { EventLog, LogRecord } from '../core/log/port.ts';
import { decodeFirstStart, type FirstStart } from '../core/wire/alert.ts';

const appendMs = 30_000;

/**
 * When each of these consumer groups first started, in milliseconds since the epoch; of those that never did, now, which is then kept.
 * A process that is killed before its first commit so loses nothing that came in between.
 * @param topic - a compacted one
 */
export async function firstStarts(
  log: EventLog,
  topic: string,
  groups: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const starts = new Map<string, number>();
  for await (const records of log.tail([topic], { since: 0, follow: false }))
    for (const { value } of records) {
      const start = decodeFirstStart(value);
      if (typeof start !== 'string')
        starts.set(start.group, Math.min(start.atMs, starts.get(start.group) ?? start.atMs));
    }
  const atMs = Date.now();
  const missing = groups
    .filter((group) => !starts.has(group))
    .map((group): FirstStart => ({ kind: 'start', group, atMs }));
  if (missing.length > 0) await log.append(topic, missing.map(recordOf), { deadlineMs: appendMs });
  return new Map(groups.map((group) => [group, starts.get(group) ?? atMs]));
}

const recordOf = (start: FirstStart): LogRecord => ({
  key: `start ${start.group}`,
  value: Buffer.from(JSON.stringify(start)),
});
