import { randomUUID } from 'node:crypto';
import { GaplineError } from '../../wire/errors.ts';
import type { Condition } from '../condition.ts';
import type { StoredRecord } from '../port.ts';
import { onlyThese } from './assigner.ts';
import type { KafkaEngine } from './engine.ts';
import { Fetcher } from './fetcher.ts';
import { PrefetchBuffer } from './prefetch-buffer.ts';

const maxRecords = 1_000;
const maxBytes = 1 << 20;
/** After so long without a record, parts with an end are looked at. */
const quietMs = 2_000;

/** A part of a partition: offsets from `from` up to but not including `to`; without `to`, endless. */
export interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to?: bigint;
}

/** A span that is being read. */
interface Part {
  readonly span: Span;
  readonly buffer: PrefetchBuffer;
}

/**
 * Reads spans, committed records only. kafkajs can read in groups alone, so each call is the only member of an ephemeral consumer group,
 * which commits nothing and is deleted at the end. A topic that is read without an end is followed where it is made anew and where it
 * gets more partitions.
 */
export async function* readSpans(
  engine: KafkaEngine,
  spans: readonly Span[],
  signal: AbortSignal,
): AsyncGenerator<StoredRecord[]> {
  const wanted = spans.filter(({ from, to }) => to === undefined || from < to);
  if (wanted.length === 0) return;
  const parts = wanted.map(partOf);
  const group = `${engine.prefix}.reader.${randomUUID()}`;
  const failure = new AbortController();
  const fetcher = await fetcherOf(engine, group, parts, failure);
  let ended: Promise<void> | undefined;
  const end = () => {
    ended ??= leave(engine, fetcher, group);
    return ended;
  };
  // The generator may be suspended when the signal aborts, so the group is left from here, too.
  signal.addEventListener('abort', end, { once: true });
  try {
    await fetcher.start().catch((error: unknown) => {
      // Given up while it connected: the reader ends, as later.
      if (!signal.aborted) throw error;
    });
    while (!signal.aborted && !parts.every(isDone)) {
      for (const part of parts) {
        const records = takeFrom(part);
        fetcher.resume(part.buffer);
        if (records.length > 0 && !signal.aborted) yield records;
      }
      failure.signal.throwIfAborted();
      const isOver = () => failure.signal.aborted || parts.every(isDone);
      const hasRecords = () => parts.some(({ buffer }) => !buffer.empty);
      await waitFor(fetcher.changed, () => isOver() || hasRecords(), signal);
      if (!signal.aborted && !isOver() && !hasRecords()) await demandReachable(engine, parts);
    }
  } finally {
    signal.removeEventListener('abort', end);
    await end();
  }
}

async function fetcherOf(
  engine: KafkaEngine,
  group: string,
  parts: Part[],
  failure: AbortController,
): Promise<Fetcher> {
  const topics = [...new Set(parts.map(({ span }) => span.topic))];
  /** What is read to an end of its own can not be read any more; the rest continues with what is there now. */
  const restart = (some: readonly Part[], at: bigint) => {
    for (const { span, buffer } of some) {
      if (span.to !== undefined) failure.abort(unreachable(span));
      buffer.restart(at);
      fetcher.seek(buffer);
    }
  };
  const fetcher: Fetcher = new Fetcher({
    client: await engine.connect('consumer'),
    group,
    topics,
    assigner: (protocol) => onlyThese(protocol, (countOf) => partitionsToRead(parts, topics, countOf)),
    sessionTimeoutMs: engine.sessionTimeoutMs,
    logger: engine.logger,
    bufferOf: (topic, partition) =>
      parts.find(({ span }) => span.topic === topic && span.partition === partition)?.buffer,
    assigned: () => {
      for (const { buffer } of parts) fetcher.seek(buffer);
    },
    remade: (topic) =>
      restart(
        parts.filter(({ span }) => span.topic === topic),
        0n,
      ),
    lostEnd: (topic, partition, end) =>
      restart(
        parts.filter(({ span }) => span.topic === topic && span.partition === partition),
        end,
      ),
    extentOf: (topic, partition) => engine.admin.extentOf(topic, partition),
    failed: (error: GaplineError) => {
      failure.abort(error);
      fetcher.changed.notifyAll();
    },
  });
  return fetcher;
}

const partOf = (span: Span): Part => ({ span, buffer: new PrefetchBuffer(span.topic, span.partition, span.from) });

/** Waits for a while only: a part with an end may wait for records that will never come. */
async function waitFor(changed: Condition, isReady: () => boolean, signal: AbortSignal): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), quietMs);
  await changed.wait(AbortSignal.any([signal, late.signal]), isReady);
  clearTimeout(timer);
}

/** What was to be read may be deleted by now: by age, which ends the part sooner, or with its topic, or at its end, which is an error. */
async function demandReachable({ admin }: KafkaEngine, parts: readonly Part[]): Promise<void> {
  for (const part of parts) {
    const { span, buffer } = part;
    if (span.to === undefined || isDone(part)) continue;
    const { low, high } = await admin.extentOf(span.topic, span.partition);
    if (high < span.to) throw unreachable(span);
    if (buffer.empty && buffer.next < low) buffer.startAt(low);
  }
}

const unreachable = ({ topic, partition, to }: Span): GaplineError =>
  new GaplineError('log-unavailable', `${topic}/${partition} does not reach offset ${to} any more`, {
    retryable: true,
  });

/** By topic, the partitions to read. One that was added to a topic without an end is read from its first record on. */
function partitionsToRead(parts: Part[], topics: readonly string[], countOf: (topic: string) => number) {
  return topics.map((topic) => {
    const own = parts.filter(({ span }) => span.topic === topic);
    const seen = Math.max(...own.map(({ span }) => span.partition)) + 1;
    const isEndless = own.every(({ span }) => span.to === undefined) && own.length === seen;
    for (let partition = seen; isEndless && partition < countOf(topic); partition++) {
      const added = partOf({ topic, partition, from: 0n });
      parts.push(added);
      own.push(added);
    }
    return [topic, own.map(({ span }) => span.partition)] as const;
  });
}

function takeFrom({ span: { to }, buffer }: Part): StoredRecord[] {
  return buffer.take(maxRecords, maxBytes).filter(({ offset }) => to === undefined || offset < to);
}

const isDone = ({ span: { to }, buffer }: Part): boolean => to !== undefined && buffer.empty && buffer.next >= to;

/** Leaves the group and deletes it from the broker. */
async function leave({ admin, ending, logger }: KafkaEngine, fetcher: Fetcher, group: string): Promise<void> {
  const left = fetcher
    .stop()
    .then(() => admin.deleteGroup(group))
    .catch((error) => logger.debug({ err: error, group }, 'An ephemeral consumer group could not be deleted'));
  ending.add(left);
  await left;
  ending.delete(left);
}
