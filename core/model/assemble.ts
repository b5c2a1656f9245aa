import { argmax } from '../numeric/argmax.ts';
import { elementAt } from '../numeric/element.ts';
import type { FieldHistogram } from './histogram-schema.ts';
import type { Imputer, ImputerSession } from './impute/imputer.ts';
import type { Estimates, Estimator } from './kinds/estimator.ts';
import type { Model, ModelIdentity, ModelOutput, Session } from './model.ts';
import { averageDraws, type Completions, completeByDraws } from './multiple.ts';
import type { Neighbours } from './neighbours/neighbours.ts';
import type { Rows } from './rows.ts';
import type { ModelSteps } from './steps.ts';

export interface Parts {
  readonly identity: ModelIdentity;
  readonly steps?: ModelSteps;
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  readonly imputer: Imputer;
  readonly estimator: Estimator;
  /** After all values the estimator gets missing indicators, one a field: 1 where it was missing, else 0. */
  readonly indicators?: boolean;
  /** A reference set of training rows that votes beside the estimator, on rows as they were measured. `share` is its ensemble weight where nothing is missing; it grows with the gaps. */
  readonly neighbours?: { readonly share: number; readonly references: Neighbours };
  /** A row with more gaps than this is not guessed at. */
  readonly maxGaps?: number;
  readonly series?: NonNullable<Model['series']>;
  readonly histograms?: readonly FieldHistogram[];
}

/** Makes a model of an imputer and, after it, an estimator. */
export function assembleModel(parts: Parts): Model {
  const { identity, steps, fields, series, classes, imputer, estimator, histograms } = parts;
  return {
    identity,
    ...(steps && { steps }),
    fields,
    ...(series && { series }),
    classes,
    ...(histograms && { histograms }),
    memoryMs: imputer.memoryMs,
    open: () => openSession(parts, imputer.open()),
    close: () => estimator.close(),
  };
}

function openSession(parts: Parts, imputing: ImputerSession): Session {
  const { imputer, estimator, neighbours, classes, maxGaps = Number.POSITIVE_INFINITY } = parts;

  function predict(rows: Rows, filled = new Float64Array(rows.count * rows.width)): ModelOutput | Promise<ModelOutput> {
    const committed = imputing.fill(rows, filled);
    const gaps = imputer.draws > 0 || neighbours || maxGaps < rows.width ? countGaps(rows) : undefined;
    const draws = imputer.draws > 0 && gaps ? completeByDraws(rows, filled, gaps, imputing, imputer.draws) : undefined;
    const finish = (estimates: Estimates): ModelOutput => {
      const output = draws ? averageDraws(estimates, draws, rows.count, classes.length) : estimates;
      if (neighbours && gaps) {
        const votes = neighbours.references.vote(rows.values, rows.count);
        blendVotes(output, votes, gaps, { width: rows.width, share: neighbours.share });
      }
      if (gaps) decline(output.labels, gaps, maxGaps);
      return { ...output, filled, ...(committed && { committed }) };
    };
    const estimates = estimate(rows, filled, draws);
    return estimates instanceof Promise ? estimates.then(finish) : finish(estimates);
  }

  function estimate(rows: Rows, filled: Float64Array, draws: Completions | undefined) {
    const values = draws ? draws.values : filled;
    const count = draws ? draws.count : rows.count;
    const input = parts.indicators ? withIndicators(values, rows, count, draws?.origin) : values;
    return estimator.predict(input, count);
  }

  const { memory } = imputing;
  return { predict, warm: (rows) => imputing.warm(rows), ...(memory && { memory }) };
}

/**
 * Weighted mean of the estimator's probabilities and the votes of neighbours. The estimator's weight falls with the square of the
 * share of fields that was measured. What was filled matters to the estimator only, so the sensitivity falls with its
 * weight; so does the spread of an ensemble, each model of which would be blended with the same votes.
 */
function blendVotes(
  { labels, probabilities, sensitivity, spread }: Omit<ModelOutput, 'filled'>,
  votes: Float64Array,
  gaps: Int32Array,
  { width, share }: { width: number; share: number },
): void {
  const classes = votes.length / Math.max(1, labels.length);
  for (let row = 0; row < labels.length; row++) {
    const weight = (1 - share) * (1 - elementAt(gaps, row) / width) ** 2;
    const kept = weight / (weight + share);
    for (let at = row * classes; at < (row + 1) * classes; at++)
      probabilities[at] = kept * probabilities[at]! + (1 - kept) * votes[at]!;
    labels[row] = argmax(probabilities, row * classes, classes);
    if (sensitivity) sensitivity[row]! *= kept;
    if (spread) spread[row] = kept * elementAt(spread, row);
  }
}

function countGaps({ count, width, values }: Rows): Int32Array {
  const gaps = new Int32Array(count);
  for (let row = 0, at = 0; row < count; row++) {
    for (let column = 0; column < width; column++, at++) if (Number.isNaN(values[at]!)) gaps[row]! += 1;
  }
  return gaps;
}

function decline(labels: Int32Array, gaps: Int32Array, maxGaps: number): void {
  for (let row = 0; row < labels.length; row++) if (elementAt(gaps, row) > maxGaps) labels[row] = -1;
}

/**
 * Rows twice as wide: the values, then for each whether it was missing.
 * @param origin - by completed row, the row of `rows` that it completes; default: the same
 */
export function withIndicators(
  completed: Float64Array,
  { width, values }: Pick<Rows, 'width' | 'values'>,
  count: number,
  origin?: Int32Array,
): Float64Array {
  const wide = new Float64Array(count * width * 2);
  for (let row = 0; row < count; row++) {
    const from = (origin ? elementAt(origin, row) : row) * width;
    const to = row * width * 2;
    for (let column = 0; column < width; column++) {
      wide[to + column] = completed[row * width + column]!;
      wide[to + width + column] = Number.isNaN(values[from + column]!) ? 1 : 0;
    }
  }
  return wide;
}
