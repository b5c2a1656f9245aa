import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { EventLog, Running, Stall, StoredRecord } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import type { ModelSource } from '../core/model/model.ts';
import { encodeDeadLetter } from '../core/wire/dead-letter.ts';
import { describeError } from '../core/wire/errors.ts';
import type { Stage } from '../core/wire/stage.ts';
import type { Status } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { createLabeller, type Labeller } from './labeller.ts';
import { createMetrics } from './metrics.ts';
import { serve } from './serving.ts';
import { type ClassifierTotals, Tally } from './totals.ts';

export interface ClassifierOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly models: ModelSource;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Tells this member of the group from the others. Default: made up. */
  readonly instance?: string;
  /** Readings a batch, at most; default the log's. */
  readonly maxBatch?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface Classifier extends Stage {
  totals(): ClassifierTotals & { readonly model: { readonly name: string; readonly version: number } | undefined };
}

/** The group under which the classifiers of a stream share its partitions. */
export const classifierGroup = (stream: Stream): string => `${stream.name}.classifier`;

/** Labels a stream: readings in; predictions, dead letters and counted skips out, committed together with the offsets. */
export function createClassifier(options: ClassifierOptions): Classifier {
  const { stream, log, models, logger, registry, maxBatch, now = Date.now } = options;
  const instance = options.instance ?? randomBytes(4).toString('hex');
  const group = classifierGroup(stream);
  const tally = new Tally();
  const metrics = createMetrics(registry);
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  let labeller: Labeller | undefined;
  let running: Running | undefined;
  let status: { stop(): Promise<void> } | undefined;
  let stopped: Promise<void> | undefined;
  let lastError: Status['lastError'];

  function note(message: string): void {
    lastError = { at: new Date(now()).toISOString(), message };
  }

  function stalled({ topic, partition, error, attempt }: Stall): void {
    metrics.stalled();
    note(`${topic}/${partition}: attempt ${attempt}: ${describeError(error)}`);
  }

  /** For records that the model itself cannot take; what cannot be read is found while decoding. */
  function deadLetter(record: StoredRecord, error: unknown) {
    const reason = describeError(error);
    tally.addDeadLetters(1);
    metrics.deadLetter();
    note(reason);
    const value = encodeDeadLetter('classifier', record, reason, new Date(now()));
    return { topic: stream.topics.deadLetters, key: record.key, value };
  }

  async function snapshot(): Promise<Status> {
    const lag = await log.lag(group, [stream.topics.readings]).catch((error: unknown) => {
      logger.debug({ err: error }, 'the lag is not known');
      return undefined;
    });
    const records = lag?.reduce((sum, partition) => sum + partition.lag, 0);
    const latency = tally.recentLatency(now());
    metrics.reported(latency, records);
    const { readings, gaps, labels, unknown, deadLetters, skipped, unknownFields, scored, right } = tally.totals();
    return {
      stream: stream.name,
      stage: 'classifier',
      instance,
      at: new Date(now()).toISOString(),
      counters: { readings, gaps, labels, unknown, deadLetters, skipped, unknownFields, scored, right },
      ...(labeller && { model: { ...labeller.serving.model.identity } }),
      latency,
      ...(records !== undefined && { lag: records }),
      ...(lastError && { lastError }),
    };
  }

  async function shutDown(): Promise<void> {
    await running?.stop();
    await status?.stop();
    await labeller?.close();
  }

  async function start(): Promise<void> {
    const serving = serve(stream, await models.current());
    const { name, version } = serving.model.identity;
    metrics.serving(name, version);
    labeller = createLabeller({ stream, serving, tally, metrics, logger, now, note });
    const { assigned, revoked, transform } = labeller;
    try {
      running = await log.pipe(
        { from: [stream.topics.readings], group, ...(maxBatch !== undefined && { maxBatch }) },
        { assigned, revoked, transform, deadLetter, stalled },
      );
    } catch (error) {
      await labeller.close();
      throw error;
    }
    running.failed.catch(failure.reject);
    status = reportStatus({ log, topic: stream.topics.status, logger, snapshot });
    logger.info({ model: name, version, group }, `labelling ${stream.name} with ${name} version ${version}`);
  }

  return {
    start,
    stop() {
      stopped ??= shutDown();
      return stopped;
    },
    failed: failure.promise,
    totals: () => ({ ...tally.totals(), model: labeller && { ...labeller.serving.model.identity } }),
  };
}
