import { randomUUID } from 'node:crypto';
import type { GaplineError } from '../../wire/errors.ts';
import type { History, StoredRecord, TailOptions } from '../port.ts';
import { onlyThese } from './assigner.ts';
import type { KafkaEngine } from './engine.ts';
import { Fetcher } from './fetcher.ts';
import { PrefetchBuffer } from './prefetch-buffer.ts';

const maxRecords = 1_000;
const maxBytes = 1 << 20;

/** A part of a partition: offsets from `from` up to but not including `to`; without `to`, for ever. */
interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to?: bigint;
}

/**
 * Reads parts of partitions, committed records only. kafkajs reads in groups alone, so this is the one member of a group that nobody
 * else knows, that commits nothing and is deleted at the end.
 */
async function* read(engine: KafkaEngine, spans: readonly Span[], signal: AbortSignal): AsyncGenerator<StoredRecord[]> {
  const wanted = spans.filter(({ from, to }) => to === undefined || from < to);
  if (wanted.length === 0) return;
  const parts = wanted.map((span) => ({ span, buffer: new PrefetchBuffer(span.topic, span.partition, span.from) }));
  const topics = Map.groupBy(wanted, ({ topic }) => topic);
  const partitions = new Map([...topics].map(([topic, own]) => [topic, own.map(({ partition }) => partition)]));
  const group = `${engine.prefix}.reader.${randomUUID()}`;
  let failure: GaplineError | undefined;
  const fetcher: Fetcher = new Fetcher({
    client: await engine.connect('consumer'),
    group,
    topics: [...partitions.keys()],
    assigner: (protocol) => onlyThese(protocol, partitions),
    sessionTimeoutMs: engine.sessionTimeoutMs,
    logger: engine.logger,
    bufferOf: (topic, partition) =>
      parts.find(({ buffer }) => buffer.topic === topic && buffer.partition === partition)?.buffer,
    assigned: () => {
      for (const { buffer } of parts) fetcher.seek(buffer);
    },
    failed: (error) => {
      failure = error;
      fetcher.changed.notifyAll();
    },
  });
  let ended: Promise<void> | undefined;
  // Also when the reader is not at work but waits for whoever takes its records.
  const end = () => {
    ended ??= leave(engine, fetcher, group);
    return ended;
  };
  signal.addEventListener('abort', end, { once: true });
  const isDone = ({ span: { to }, buffer }: (typeof parts)[number]) =>
    to !== undefined && buffer.empty && buffer.next >= to;
  try {
    await fetcher.start();
    while (!signal.aborted && !parts.every(isDone)) {
      for (const { span, buffer } of parts) {
        const records = buffer
          .take(maxRecords, maxBytes)
          .filter(({ offset }) => span.to === undefined || offset < span.to);
        fetcher.resume(buffer);
        if (records.length > 0 && !signal.aborted) yield records;
      }
      if (failure) throw failure;
      const isOver = () => failure !== undefined || parts.every(isDone);
      await fetcher.changed.wait(signal, () => isOver() || parts.some(({ buffer }) => !buffer.empty));
    }
  } finally {
    signal.removeEventListener('abort', end);
    await end();
  }
}

/** Stops, and leaves nothing behind on the broker. */
async function leave({ admin, ending, logger }: KafkaEngine, fetcher: Fetcher, group: string): Promise<void> {
  const left = fetcher
    .stop()
    .then(() => admin.deleteGroup(group))
    .catch((error) => logger.debug({ err: error, group }, 'A throw-away group stays behind'));
  ending.add(left);
  await left;
  ending.delete(left);
}

/** Watches topics from a time of arrival on. */
export function tail(
  engine: KafkaEngine,
  topics: readonly string[],
  { since, follow = true }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  // Asked for here and not at the first `next()`, so that "now" is when the caller asked.
  const spans = Promise.all(topics.map((topic) => spansOf(engine, topic, since, follow)));
  spans.catch(() => {});
  return (async function* () {
    yield* read(engine, (await spans).flat(), signal);
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

/** The committed past of one partition number: what lies below the offsets given. */
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
        yield* read(engine, [{ topic, partition, from: starts.get(partition) ?? to, to }], signal);
      }
    },
  };
}
