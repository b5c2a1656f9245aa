import type { Output } from '../../core/log/port.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { ReadingBatch } from '../decode.ts';
import { type LabelledBatch, labelNames, pushPredictions } from '../labelling.ts';
import type { Metrics } from '../metrics.ts';
import type { ModelSession } from '../model-change/model-slot.ts';
import type { Tally } from '../totals.ts';
import type { BoundedPrediction, ChallengerOutput } from './bounded-prediction.ts';

export interface ShadowOptions {
  readonly stream: Stream;
  readonly predict: BoundedPrediction;
  readonly tally: Tally;
  readonly metrics: Metrics;
  readonly reporter: Reporter;
}

/** Labels with the challenger what the champion has labelled, and compares both once that is committed. */
export function createShadow({ stream, predict, tally, metrics, reporter }: ShadowOptions) {
  return {
    /** Adds the challenger's predictions to the outputs, where it makes them in time. */
    async label(session: ModelSession, startedAtMs: number, readings: ReadingBatch, outputs: Output[]) {
      const predicted = await predict(session, readings);
      if (!predicted) return undefined;
      const { rows, output, tookMs } = predicted;
      // As if it had predicted in place of the champion.
      const labelled = { readings, rows, output, nowMs: startedAtMs + tookMs };
      pushPredictions(session.streamModel, labelled, stream.topics.shadow, outputs);
      return predicted;
    },

    /** A challenger that made no prediction still remembers the readings. */
    remember(session: ModelSession, readings: ReadingBatch, predicted: ChallengerOutput | undefined): void {
      const { model, project } = session.streamModel;
      try {
        if (predicted) predicted.output.committed?.();
        else if (model.memoryMs > 0 && readings.count > 0) session.session.warm(project(readings.rows()));
      } catch (error) {
        reporter.noteError(error);
      }
    },

    compare(
      { streamModel }: ModelSession,
      { labels }: LabelledBatch,
      predicted: ChallengerOutput | undefined,
      { truths }: ReadingBatch,
    ): void {
      if (predicted) tally.compare(labels, labelNames(streamModel, predicted.output.labels), truths);
      else tally.shadowSkipped(labels.length);
      metrics.shadowed(labels.length, predicted !== undefined);
    },
  };
}

export type Shadow = ReturnType<typeof createShadow>;
