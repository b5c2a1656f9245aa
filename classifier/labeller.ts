import type { Logger } from 'pino';
import type { Batch, History, Output, StoredRecord, Transformed } from '../core/log/port.ts';
import type { Answer, Session } from '../core/model/model.ts';
import { encodeDeadLetter } from '../core/wire/dead-letter.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import { unknownLabel } from '../core/wire/prediction.ts';
import type { Stream } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';
import type { Metrics } from './metrics.ts';
import { predict, type Serving } from './serving.ts';
import type { Tally } from './totals.ts';

export interface LabellerOptions {
  readonly stream: Stream;
  readonly serving: Serving;
  readonly tally: Tally;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: () => number;
  /** Told of each reason why a record became a dead letter. */
  readonly note: (message: string) => void;
}

/** What a partition keeps between its batches. */
interface Partition {
  readonly readings: ReadingBatch;
  readonly session: Session;
}

/** What a pipe calls, for all partitions of this member. */
export interface Labeller {
  readonly serving: Serving;
  assigned(partition: number, history: History): Promise<void>;
  revoked(partition: number): void;
  transform(batch: Batch): Promise<Transformed>;
  close(): Promise<void>;
}

/** Turns batches of readings into predictions and dead letters, each partition with a session of its own. */
export function createLabeller({ stream, serving, tally, metrics, logger, now, note }: LabellerOptions): Labeller {
  const partitions = new Map<number, Partition>();

  async function assigned(number: number, history: History): Promise<void> {
    const session = serving.model.open();
    const readings = new ReadingBatch(stream);
    const { memoryMs } = serving.model;
    if (memoryMs > 0) {
      const warmed = await warm(session, history, now() - memoryMs, readings);
      logger.debug({ partition: number, warmed }, 'remembered the past');
    }
    partitions.set(number, { readings, session });
  }

  /** Shows a session the committed past. What could not be read then is passed over now. */
  async function warm(session: Session, history: History, sinceMs: number, readings: ReadingBatch): Promise<number> {
    let warmed = 0;
    for await (const records of history.since(sinceMs)) {
      readings.reset(records.length);
      for (const { value } of records) readings.add(value);
      if (readings.count > 0) session.warm(serving.project(readings.rows()));
      warmed += readings.count;
    }
    return warmed;
  }

  async function transform(batch: Batch): Promise<Transformed> {
    const partition = partitions.get(batch.partition);
    if (!partition) throw new GaplineError('internal', `Partition ${batch.partition} was never assigned`);
    const { readings, session } = partition;
    const outputs: Output[] = [];
    const { skippedBy, reasons } = decode(batch, readings, outputs);
    const deadLetters = outputs.length;
    let labels: string[] = [];
    let answer: Answer | undefined;
    if (readings.count > 0) {
      const startedMs = performance.now();
      const said = await predict(serving, session, readings.rows());
      metrics.predicted((performance.now() - startedMs) / 1_000);
      answer = said.answer;
      const labelled = { readings, ...said, nowMs: now() };
      for (let row = 0; row < readings.count; row++) {
        const value = serving.encode(labelled, row);
        outputs.push({ topic: stream.topics.predictions, key: readings.devices[row]!, value });
      }
      labels = Array.from(said.answer.labels, (label) => serving.model.classes[label] ?? unknownLabel);
    }
    return {
      outputs,
      committed() {
        answer?.committed?.();
        const outcome = { readings, labels, deadLetters, skippedBy };
        tally.add(outcome, now());
        metrics.committed(outcome);
        if (reasons.length > 0) note(reasons.at(-1)!);
      },
    };
  }

  /** Fills `readings`; what cannot be read goes to `outputs` as dead letters. */
  function decode(batch: Batch, readings: ReadingBatch, outputs: Output[]) {
    const skippedBy = new Map<string, number>();
    const reasons: string[] = [];
    readings.reset(batch.records.length);
    for (const record of batch.records) {
      const refusal = readings.add(record.value);
      if (!refusal) continue;
      const { kind, reason } = refusal;
      if (kind === 'skip') skippedBy.set(reason, (skippedBy.get(reason) ?? 0) + 1);
      else {
        outputs.push(deadLetter(record, reason));
        reasons.push(`${record.topic}/${record.partition}/${record.offset}: ${reason}`);
      }
    }
    return { skippedBy, reasons };
  }

  function deadLetter(record: StoredRecord, reason: string): Output {
    const value = encodeDeadLetter('classifier', record, reason, new Date(now()));
    return { topic: stream.topics.deadLetters, key: record.key, value };
  }

  return {
    serving,
    assigned,
    revoked(number) {
      partitions.delete(number);
    },
    transform,
    async close() {
      partitions.clear();
      await serving.model.close().catch((error: unknown) => {
        logger.warn({ err: error }, `closing the model failed: ${describeError(error)}`);
      });
    },
  };
}
