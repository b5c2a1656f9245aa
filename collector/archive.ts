import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import {
  type Batch,
  type EventLog,
  type Output,
  type Rejected,
  type Running,
  type Stall,
  type StoredRecord,
  totalLag,
} from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import type { SeriesStore } from '../core/store/port.ts';
import { encodeDeadLetter } from '../core/wire/dead-letter.ts';
import { decodeReading } from '../core/wire/decode-reading.ts';
import { describeError } from '../core/wire/errors.ts';
import { type Point, readingToPoint } from '../core/wire/point.ts';
import type { Reading } from '../core/wire/reading.ts';
import type { Stage } from '../core/wire/stage.ts';
import type { Status } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';

export interface ArchiveOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly store: SeriesStore;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** The group under which the archive reads a stream. */
export function archiveGroup(stream: Stream): string {
  return `${stream.name}.archive`;
}

/** Copies readings from the log into the store, where training finds them. The store may be away: the log keeps what it missed. */
export function createArchive({ stream, log, store, logger, registry }: ArchiveOptions): Stage {
  const metrics = createArchiveMetrics(registry);
  const instance = randomUUID();
  let lastError: Status['lastError'];
  let running: Running | undefined;
  let reporting: { stop(): Promise<void> } | undefined;
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});

  const sink = async (batch: Batch): Promise<Rejected[]> => {
    const { readings, rejected, foreign } = decode(batch.records, stream.name);
    const points = readings.map(({ reading }) => readingToPoint(reading, stream.fields.length));
    for (const { index, reason } of await writePoints(store, points)) {
      rejected.push({ record: readings[index]!.record, reason });
    }
    metrics.wrote(batch.records.length - rejected.length - foreign, rejected.length, foreign);
    return rejected;
  };
  const deadLetter = (record: StoredRecord, reason: unknown): Output => ({
    topic: stream.topics.deadLetters,
    key: record.key,
    value: encodeDeadLetter('archive', record, typeof reason === 'string' ? reason : describeError(reason), new Date()),
  });
  const stalled = ({ partition, error, attempt, nextTryMs }: Stall): void => {
    lastError = { at: new Date().toISOString(), message: describeError(error) };
    metrics.stalled();
    logger.warn({ partition, attempt, nextTryMs }, `the store takes nothing: ${lastError.message}`);
  };
  const snapshot = async (): Promise<Status> => {
    const lag = totalLag(await log.lag(archiveGroup(stream), [stream.topics.readings]));
    return {
      stream: stream.name,
      stage: 'archive',
      instance,
      at: new Date().toISOString(),
      counters: { ...metrics.counters },
      lag,
      ...(lastError && { lastError }),
    };
  };
  return {
    failed: failure.promise,
    async start() {
      const options = { from: [stream.topics.readings], group: archiveGroup(stream), stalled };
      running = await log.drain(options, sink, deadLetter);
      running.failed.catch(failure.reject);
      reporting = reportStatus({ log, topic: stream.topics.status, logger, snapshot });
    },
    async stop() {
      await running?.stop();
      await reporting?.stop();
    },
  };
}

interface Decoded {
  readonly readings: { readonly record: StoredRecord; readonly reading: Reading }[];
  readonly rejected: Rejected[];
  /** Readings of other streams that share the topic; their own archive takes them. */
  foreign: number;
}

function decode(records: readonly StoredRecord[], stream: string): Decoded {
  const decoded: Decoded = { readings: [], rejected: [], foreign: 0 };
  for (const record of records) {
    const reading = decodeReading(record.value);
    if (typeof reading === 'string') decoded.rejected.push({ record, reason: `not a reading: ${reading}` });
    else if (reading.stream === stream) decoded.readings.push({ record, reading });
    else decoded.foreign += 1;
  }
  return decoded;
}

async function writePoints(store: SeriesStore, points: readonly Point[]) {
  return points.length === 0 ? [] : store.write(points);
}

function createArchiveMetrics(registry: Registry) {
  const registers = [registry];
  const points = new Counter({
    name: 'gapline_archive_points_total',
    help: 'Readings written to the store',
    registers,
  });
  const rejected = new Counter({
    name: 'gapline_archive_rejected_total',
    help: 'Readings that the store refused for good; each is a dead letter',
    registers,
  });
  const stalls = new Counter({ name: 'gapline_archive_stalls_total', help: 'Failed attempts to write', registers });
  const foreign = new Counter({
    name: 'gapline_archive_foreign_total',
    help: 'Readings of other streams in the same topic, left to their own archive',
    registers,
  });
  const counters = { points: 0, rejected: 0, foreign: 0, stalls: 0 };
  return {
    counters,
    wrote(written: number, refused: number, others: number): void {
      counters.points += written;
      counters.rejected += refused;
      points.inc(written);
      rejected.inc(refused);
      counters.foreign += others;
      foreign.inc(others);
    },
    stalled(): void {
      counters.stalls += 1;
      stalls.inc();
    },
  };
}
