import { z } from 'zod';
import { defineStep } from '../definition.ts';
import { grown } from '../output.ts';
import { channels } from '../params.ts';
import type { Windows } from '../port.ts';
import { since } from '../time.ts';
import { type ChannelFeatures, featureStep } from './features.ts';

const kinds = [
  'mean',
  'std',
  'min',
  'max',
  'quantiles',
  'rms',
  'crest',
  'skewness',
  'kurtosis',
  'slope',
  'zeroCrossings',
] as const;
type Kind = (typeof kinds)[number];

export const statistics = defineStep({
  use: 'statistics',
  summary: 'what the values of a window are like: level, spread, shape, trend',
  params: z.strictObject({
    features: z
      .array(z.enum(kinds))
      .min(1)
      .default([...kinds])
      .describe('which are computed'),
    quantiles: z
      .array(z.number().min(0).max(1))
      .min(1)
      .max(99)
      .default([0.25, 0.5, 0.75])
      .describe('which quantiles, from 0 to 1'),
    minSamples: z.int().min(1).max(1_000_000).default(2).describe('with fewer measured values all of them are gaps'),
    channels: channels(),
  }),
  build(params, shape) {
    return featureStep(shape, params.channels, statisticsOf(params.features, params.quantiles, params.minSamples));
  },
});

function statisticsOf(chosen: readonly Kind[], quantiles: readonly number[], minSamples: number): ChannelFeatures {
  const ordered = kinds.filter((kind) => chosen.includes(kind));
  const names = ordered.flatMap((kind) =>
    kind === 'quantiles' ? quantiles.map((share) => `q${Number((share * 100).toFixed(6))}`) : [kind],
  );
  return {
    names,
    open() {
      let measured = new Float64Array(0);
      return {
        compute(windows, row, column, into) {
          const count = windows.starts[row + 1]! - windows.starts[row]!;
          if (measured.length < count) measured = grown(measured, count, 0);
          const kept = keepMeasured(windows, row, column, measured);
          if (kept < minSamples) return;
          const values = measured.subarray(0, kept);
          const moments = momentsOf(values);
          let at = 0;
          for (const kind of ordered) {
            if (kind === 'slope') into[at++] = slopeOf(windows, row, column, moments.mean);
            else if (kind !== 'quantiles') into[at++] = scalarOf(kind, values, moments);
            else at = putQuantiles(values.slice().sort(), quantiles, into, at);
          }
        },
      };
    },
  };
}

interface Moments {
  readonly mean: number;
  /** Means of the second to fourth power of the distance from the mean. */
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
  readonly meanSquare: number;
  readonly min: number;
  readonly max: number;
}

function keepMeasured({ starts, columns }: Windows, row: number, column: number, into: Float64Array): number {
  const values = columns[column]!;
  let kept = 0;
  for (let at = starts[row]!, end = starts[row + 1]!; at < end; at++) {
    const value = values[at]!;
    if (!Number.isNaN(value)) into[kept++] = value;
  }
  return kept;
}

function momentsOf(values: Float64Array): Moments {
  const count = values.length;
  let sum = 0;
  let squares = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    const value = values[at]!;
    sum += value;
    squares += value * value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  // Summing may round a constant off.
  const mean = min === max ? min : sum / count;
  let second = 0;
  let third = 0;
  let fourth = 0;
  for (let at = 0; at < count; at++) {
    const distance = values[at]! - mean;
    const square = distance * distance;
    second += square;
    third += square * distance;
    fourth += square * square;
  }
  return {
    mean,
    second: second / count,
    third: third / count,
    fourth: fourth / count,
    meanSquare: squares / count,
    min,
    max,
  };
}

/** A spread below this share of the level is rounding alone: there is no shape to speak of. As scipy.stats.skew has it. */
const rounding = 1e-15;

function scalarOf(kind: Exclude<Kind, 'quantiles' | 'slope'>, values: Float64Array, moments: Moments): number {
  const { mean, second, third, fourth, meanSquare, min, max } = moments;
  const isFlat = second <= (rounding * mean) ** 2;
  switch (kind) {
    case 'mean':
      return mean;
    case 'std':
      return Math.sqrt(second);
    case 'min':
      return min;
    case 'max':
      return max;
    case 'rms':
      return Math.sqrt(meanSquare);
    case 'crest':
      return meanSquare === 0 ? Number.NaN : Math.max(max, -min) / Math.sqrt(meanSquare);
    case 'skewness':
      return isFlat ? Number.NaN : third / second ** 1.5;
    case 'kurtosis':
      return isFlat ? Number.NaN : fourth / (second * second) - 3;
    case 'zeroCrossings':
      return zeroCrossings(values);
  }
}

function zeroCrossings(values: Float64Array): number {
  let crossings = 0;
  for (let at = 1; at < values.length; at++) if (values[at]! < 0 !== values[at - 1]! < 0) crossings++;
  return crossings;
}

/** The slope of the line of least squares, in units a second. NaN where there is but one time. */
function slopeOf(windows: Windows, row: number, column: number, mean: number): number {
  const { starts, seconds, nanoseconds, fromSeconds, fromNanoseconds } = windows;
  const values = windows.columns[column]!;
  const originSeconds = fromSeconds[row]!;
  const originNanoseconds = fromNanoseconds[row]!;
  let count = 0;
  let times = 0;
  for (let at = starts[row]!, end = starts[row + 1]!; at < end; at++) {
    if (Number.isNaN(values[at]!)) continue;
    times += since(seconds[at]!, nanoseconds[at]!, originSeconds, originNanoseconds) / 1e9;
    count++;
  }
  const middle = times / count;
  let products = 0;
  let squares = 0;
  for (let at = starts[row]!, end = starts[row + 1]!; at < end; at++) {
    if (Number.isNaN(values[at]!)) continue;
    const distance = since(seconds[at]!, nanoseconds[at]!, originSeconds, originNanoseconds) / 1e9 - middle;
    products += distance * (values[at]! - mean);
    squares += distance * distance;
  }
  return squares === 0 ? Number.NaN : products / squares;
}

/** Quantiles of sorted values, between two of them by a straight line, as numpy's default. */
function putQuantiles(sorted: Float64Array, quantiles: readonly number[], into: Float64Array, from: number): number {
  let at = from;
  for (const share of quantiles) {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const low = sorted[below]!;
    const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
    into[at++] = low + (high - low) * (place - below);
  }
  return at;
}
