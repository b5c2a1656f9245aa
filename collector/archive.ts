import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import {
  type Batch,
  type EventLog,
  type Rejected,
  type Running,
  type Stall,
  type StoredRecord,
  totalLag,
} from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import type { RejectedPoint, SeriesStore } from '../core/store/port.ts';
import { decodeFact } from '../core/wire/decode-fact.ts';
import { decodeRecord, isSamples } from '../core/wire/decode-samples.ts';
import { describeError } from '../core/wire/errors.ts';
import type { Fact } from '../core/wire/fact.ts';
import { factToPoint } from '../core/wire/fact-point.ts';
import { type Point, readingToPoint } from '../core/wire/point.ts';
import type { Reading } from '../core/wire/reading.ts';
import type { Samples } from '../core/wire/samples.ts';
import { samplesToPoints } from '../core/wire/samples-point.ts';
import type { Stream } from '../core/wire/stream.ts';

export interface ArchiveOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly store: SeriesStore;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** The consumer group of a stream's archive. */
export function archiveGroup(stream: Stream): string {
  return `${stream.name}.archive`;
}

/** Copies readings from the log into the store, where training finds them. While the store is unavailable, the log keeps the readings. */
export function createArchive({ stream, log, store, logger, registry }: ArchiveOptions): Stage {
  const metrics = createArchiveMetrics(registry);
  const reporter = createReporter({ stream, stage: 'archive' });
  const group = archiveGroup(stream);
  const from = stream.facts ? [stream.topics.facts, stream.topics.readings] : [stream.topics.readings];
  let running: Running | undefined;

  const sink = async (batch: Batch): Promise<Rejected[]> => {
    const { readings, rejected, foreign } = decode(batch.records, stream);
    const points = readings.flatMap((each) => pointsOf(each.reading, stream.fields.length));
    const refused = await writePoints(store, points);
    if (refused.length > 0) rejected.push(...recordsOf(refused, readings, stream.fields.length));
    metrics.wrote(batch.records.length - rejected.length - foreign, rejected.length, foreign);
    return rejected;
  };
  const stalled = ({ partition, error, attempt, nextTryMs }: Stall): void => {
    reporter.noteError(error);
    metrics.stalled();
    logger.warn({ partition, attempt, nextTryMs }, `the store takes nothing: ${describeError(error)}`);
  };
  const snapshot = async () => {
    const lag = totalLag(await log.lag(group, from));
    return reporter.status({ counters: { ...metrics.counters }, lag });
  };
  return createStage({
    async open(fail) {
      running = await log.drain({ from, group, stalled }, sink, reporter.deadLetter);
      running.failed.catch(fail);
    },
    close: async () => running?.stop(),
    report: () => reportStatus({ log, topic: stream.topics.status, logger, snapshot }),
  });
}

interface Decoded {
  readonly readings: { readonly record: StoredRecord; readonly reading: Archived }[];
  readonly rejected: Rejected[];
  /** Readings of other streams that share the topic; their own archive takes them. */
  foreign: number;
}

/** What a record holds that the archive keeps. */
type Archived = Reading | Samples | Fact;

function decode(records: readonly StoredRecord[], { name, topics }: Stream): Decoded {
  const decoded: Decoded = { readings: [], rejected: [], foreign: 0 };
  for (const record of records) {
    const isFact = record.topic === topics.facts;
    const reading = isFact ? decodeFact(record.value) : decodeRecord(record.value);
    if (typeof reading === 'string')
      decoded.rejected.push({ record, reason: `not a ${isFact ? 'fact' : 'reading'}: ${reading}` });
    else if (reading.stream === name) decoded.readings.push({ record, reading });
    else decoded.foreign += 1;
  }
  return decoded;
}

/** A reading or a fact is a point, a record of samples one or several. */
function pointsOf(reading: Archived, fieldCount: number): Point[] {
  if ('kind' in reading) return [factToPoint(reading)];
  return isSamples(reading) ? samplesToPoints(reading, fieldCount) : [readingToPoint(reading, fieldCount)];
}

/** The records of points that the store rejected, each once with the first reason. */
function recordsOf(refused: readonly RejectedPoint[], readings: Decoded['readings'], fieldCount: number): Rejected[] {
  const reasons = new Map(refused.map(({ index, reason }) => [index, reason] as const).reverse());
  const found: Rejected[] = [];
  let index = 0;
  for (const { record, reading } of readings) {
    const end = index + pointsOf(reading, fieldCount).length;
    let reason: string | undefined;
    for (; index < end; index++) reason ??= reasons.get(index);
    if (reason !== undefined) found.push({ record, reason });
  }
  return found;
}

async function writePoints(store: SeriesStore, points: readonly Point[]) {
  return points.length === 0 ? [] : store.write(points);
}

function createArchiveMetrics(registry: Registry) {
  const registers = [registry];
  const points = new Counter({
    name: 'gapline_archive_points_total',
    help: 'Readings that were written to the store',
    registers,
  });
  const rejected = new Counter({
    name: 'gapline_archive_rejected_total',
    help: 'Readings that the store rejected permanently; each became a dead letter',
    registers,
  });
  const stalls = new Counter({
    name: 'gapline_archive_stalls_total',
    help: 'Failed attempts to write to the store; each is repeated',
    registers,
  });
  const foreign = new Counter({
    name: 'gapline_archive_foreign_total',
    help: 'Readings of other streams in the same topic; their own archive writes them',
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
