import type { Logger } from 'pino';
import { follow } from '../core/log/follow.ts';
import type { EventLog, Sampling, StoredRecord } from '../core/log/port.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { Figures } from './figures/figures.ts';
import type { DashboardMetrics } from './metrics.ts';
import { Watch } from './watch.ts';

export interface LineWatchOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly figures: Figures;
  readonly metrics: DashboardMetrics;
  readonly signal: AbortSignal;
}

/** The log hands out little more than is parsed; what is skipped in an interval is counted to the second in which it began. */
const sampleEveryMs = 500;

/** Watches all topics of a stream and hands their records to the figures. Resolves once the signal is aborted; never rejects. */
export async function watchLine({ stream, log, logger, figures, metrics, signal }: LineWatchOptions): Promise<void> {
  const { readings, predictions, shadow, deadLetters, status } = stream.topics;
  const shared = { logger, log, signal };
  const troubles: Record<'line' | 'status', string | null> = { line: null, status: null };
  const noteTrouble = (of: keyof typeof troubles) => (message: string | null) => {
    troubles[of] = message;
    figures.trouble = troubles.line ?? troubles.status;
  };
  const take = (records: readonly StoredRecord[]): void => {
    metrics.taken(records.length);
    figures.take(records);
  };

  figures.catchingUp = true;
  const lineWatch = new Watch({
    ...shared,
    topics: [readings, predictions, shadow, deadLetters],
    sampling: samplingOf(figures, metrics),
    take,
    forget: () => figures.forgetLine(),
    trouble: noteTrouble('line'),
    skipped(records) {
      metrics.skipped(records);
      figures.skipped += records;
    },
    caughtUp() {
      figures.catchingUp = false;
    },
  });
  const statusWatch = new Watch({
    ...shared,
    topics: [status],
    take(records) {
      take(records);
      // A line on which nothing happens gives no sign of life of its own.
      lineWatch.logResponded();
    },
    trouble: noteTrouble('status'),
  });
  const few = { stream, log, logger, signal };
  await Promise.all([
    ...[lineWatch.run(), statusWatch.run()],
    watchAll(few, stream.alerts?.alerts, (records) => figures.takeAlerts(records)),
    watchAll(few, stream.facts && stream.topics.facts, (records) => figures.takeFacts(records)),
  ]);
}

/** Alerts and facts are few and last long: all of them are read, however old. */
async function watchAll(
  { log, logger, signal }: Omit<LineWatchOptions, 'metrics' | 'figures'>,
  topic: string | undefined,
  take: (records: readonly StoredRecord[]) => void,
): Promise<void> {
  if (topic === undefined) return;
  const read = new Map<number, bigint>();
  for await (const records of follow({ log, topic, read: () => read, signal, logger })) {
    for (const { partition, offset } of records) read.set(partition, offset);
    take(records);
  }
}

const samplingOf = (figures: Figures, metrics: DashboardMetrics): Sampling => ({
  everyMs: sampleEveryMs,
  records: Math.ceil((figures.parsedPerSecond * sampleEveryMs) / 1_000),
  skipped(topic, count, arrivedMs) {
    metrics.taken(count);
    figures.addSkipped(topic, count, arrivedMs);
  },
});
