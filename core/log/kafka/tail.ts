import type { StoredRecord, TailOptions } from '../port.ts';
import type { KafkaEngine } from './engine.ts';
import { readSpans, type Span } from './reader.ts';

/** Follows topics from a time of arrival on. */
export function tail(
  engine: KafkaEngine,
  topics: readonly string[],
  { since, after, until, follow = until === undefined }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  // Fetched here and not at the first `next()`, so that "now" is when the caller called.
  const spans = Promise.all(
    topics.map((topic) => spansOf(engine, topic, { since, until, follow, read: after?.get(topic) })),
  );
  spans.catch(() => {});
  return (async function* () {
    yield* readSpans(engine, (await spans).flat(), signal);
  })();
}

interface Beginning {
  readonly since: TailOptions['since'];
  readonly until: number | undefined;
  readonly follow: boolean;
  /** By partition, the last offset read before. */
  readonly read: ReadonlyMap<number, bigint> | undefined;
}

async function spansOf(
  { admin }: KafkaEngine,
  topic: string,
  { since, until, follow, read }: Beginning,
): Promise<Span[]> {
  const [extents, starts, ends] = await Promise.all([
    admin.extents(topic),
    since === 'now' ? undefined : admin.offsetsSince(topic, since),
    until === undefined ? undefined : admin.offsetsSince(topic, until),
  ]);
  return extents.map(({ partition, low, high }) => {
    const last = read?.get(partition);
    const start = last === undefined ? (starts?.get(partition) ?? high) : last + 1n;
    // An offset that was read lies behind the end only where the topic was made anew.
    const from = start < low || (last !== undefined && start > high) ? low : start;
    const end = ends?.get(partition) ?? high;
    return { topic, partition, from, ...(!follow && { to: end < high ? end : high }) };
  });
}
