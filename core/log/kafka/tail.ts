import type { StoredRecord, TailOptions } from '../port.ts';
import type { KafkaEngine } from './engine.ts';
import { readSpans, type Span } from './reader.ts';

/** Follows topics from a time of arrival on. */
export function tail(
  engine: KafkaEngine,
  topics: readonly string[],
  { since, follow = true }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  // Fetched here and not at the first `next()`, so that "now" is when the caller called.
  const spans = Promise.all(topics.map((topic) => spansOf(engine, topic, since, follow)));
  spans.catch(() => {});
  return (async function* () {
    yield* readSpans(engine, (await spans).flat(), signal);
  })();
}

async function spansOf(
  { admin }: KafkaEngine,
  topic: string,
  since: TailOptions['since'],
  follow: boolean,
): Promise<Span[]> {
  const [extents, starts] = await Promise.all([
    admin.extents(topic),
    since === 'now' ? undefined : admin.offsetsSince(topic, since),
  ]);
  return extents.map(({ partition, low, high }) => {
    const start = starts?.get(partition) ?? high;
    return { topic, partition, from: start < low ? low : start, ...(!follow && { to: high }) };
  });
}
