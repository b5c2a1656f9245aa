import { elementAt } from '../../core/numeric/element.ts';
import type { ShapeletView } from '../events.ts';
import type { SeenPrediction } from './records.ts';

/** A shapelet that fits fewer measured values than this cannot be put at their height. */
const leastMeasured = 2;

/**
 * The shapelet that decided, at the place where it matched, moved and stretched to the mean and the deviation of what was measured there:
 * what is compared has gone through filters, what is drawn has not.
 * @param grid - the window's values in their places, NaN where none was measured
 */
export function viewShapelet(
  shapelet: NonNullable<SeenPrediction['shapelet']>,
  grid: Float64Array,
  seconds: number,
): ShapeletView | null {
  const { at, step, of, values, share } = shapelet;
  const places = values.map((_, tap) => (at + tap * step) / of);
  const measured = places
    .map((place) => grid[Math.round(place * grid.length)] ?? Number.NaN)
    .filter((value) => !Number.isNaN(value));
  if (measured.length < leastMeasured) return null;
  const [there, own] = [spreadOf(measured), spreadOf(values)];
  const scale = own.deviation > 0 ? there.deviation / own.deviation : 0;
  return {
    x: places.map((place) => significant(place * seconds * 1e3)),
    y: values.map((_, tap) => significant(there.mean + (elementAt(values, tap) - own.mean) * scale)),
    share: significant(share),
  };
}

function spreadOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const power = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(power) };
}

const significant = (value: number): number => Number(value.toPrecision(6));
