import type { Output } from '../../core/log/port.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { ReadingBatch } from '../decode.ts';
import { type LabelledBatch, labelNames, pushPredictions } from '../labelling.ts';
import type { Metrics } from '../metrics.ts';
import { type ModelSession, prepare } from '../model-change/model-slot.ts';
import type { PreparedRows, RowOrigins } from '../prepared-rows.ts';
import { describeChallenger } from '../stream-model.ts';
import type { Tally } from '../totals.ts';
import type { BoundedPrediction, ChallengerOutput } from './bounded-prediction.ts';

export interface ShadowOptions {
  readonly stream: Stream;
  readonly predict: BoundedPrediction;
  readonly tally: Tally;
  readonly metrics: Metrics;
  readonly reporter: Reporter;
}

/** What a challenger made of a batch. */
export interface Shadowed {
  readonly prepared: PreparedRows;
  /** Undefined where it did not predict in time. */
  readonly predicted: ChallengerOutput | undefined;
}

/** Labels with the challenger what the champion has labelled, and compares both once that is committed. */
export function createShadow({ stream, predict, tally, metrics, reporter }: ShadowOptions) {
  return {
    /** Adds the challenger's predictions to the outputs, where it makes them in time. Undefined where its steps failed. */
    async label(
      session: ModelSession,
      startedAtMs: number,
      readings: ReadingBatch,
      outputs: Output[],
    ): Promise<Shadowed | undefined> {
      let prepared: PreparedRows;
      try {
        prepared = prepare(session, readings);
      } catch (error) {
        reporter.noteError(describeChallenger(session.streamModel, error));
        return undefined;
      }
      const { rows, origins } = prepared;
      const predicted = await predict(session, rows);
      if (!predicted) return { prepared, predicted };
      const { output, tookMs } = predicted;
      // As if it had predicted in place of the champion.
      const labelled = { origins, rows, output, nowMs: startedAtMs + tookMs };
      pushPredictions(session.streamModel, labelled, stream.topics.shadow, outputs);
      return { prepared, predicted };
    },

    /** A challenger that made no prediction still remembers the readings. */
    remember({ streamModel, session }: ModelSession, { prepared, predicted }: Shadowed): void {
      try {
        if (predicted) predicted.output.committed?.();
        else if (streamModel.model.memoryMs > 0 && prepared.rows.count > 0) session.warm(prepared.rows);
        prepared.committed();
      } catch (error) {
        reporter.noteError(error);
      }
    },

    /** Rows are the same where device and time are: with other steps, they may be others. */
    compare(
      { streamModel }: ModelSession,
      { labels, prepared: { origins } }: LabelledBatch,
      shadowed: Shadowed | undefined,
    ): void {
      const predicted = shadowed?.predicted;
      if (shadowed && predicted) {
        const others = labelNames(streamModel, predicted.output.labels);
        const pairs = pairUp(origins, shadowed.prepared.origins);
        const champion = pairs.map(([row]) => labels[row] ?? '');
        const challenger = pairs.map(([, row]) => others[row] ?? '');
        tally.compare(
          champion,
          challenger,
          pairs.map(([row]) => origins.truths[row]),
        );
        tally.shadowSkipped(labels.length - pairs.length);
      } else tally.shadowSkipped(labels.length);
      metrics.shadowed(labels.length, predicted !== undefined);
    },
  };
}

/** Rows of one origin with the rows of the other that have the same identity. */
function pairUp(left: RowOrigins, right: RowOrigins): readonly (readonly [number, number])[] {
  if (left === right) return left.devices.map((_, row) => [row, row] as const);
  const keyOf = ({ devices, timeTexts }: RowOrigins, row: number) => `${timeTexts[row]} ${devices[row]}`;
  const rows = new Map(right.devices.map((_, row) => [keyOf(right, row), row]));
  return left.devices.flatMap((_, row) => {
    const other = rows.get(keyOf(left, row));
    return other === undefined ? [] : [[row, other] as const];
  });
}

export type Shadow = ReturnType<typeof createShadow>;
