import { elementAt } from '../numeric/element.ts';
import { GaplineError } from '../wire/errors.ts';
import type { Dataset } from './dataset.ts';

/** How the rows of each device follow each other. */
export interface Sampling {
  /** Samples a second. */
  readonly rate: number;
  /** Rows that one would expect between two others of a device and that are not there. */
  readonly lost: number;
}

/** A distance this far from a whole number of periods, in periods, is no regular one: times are often rounded to milliseconds. */
const tolerance = 0.35;
/** So many of the distances have to be regular. */
const regularShare = 0.9;
/** So many may be none at all: the same time twice. */
const repeatedShare = 0.01;
/** A longer distance, in periods, is a break between two recordings and no loss. */
const mostLost = 1_000;
/** A rate this near to a whole number is that. */
const wholeShare = 0.002;

/** The rows of each device in the order of their times; a single one without a device column. */
export function rowsByDevice({ count, devices, times }: Dataset): Map<string, Int32Array> {
  const index = devices?.index ?? new Int32Array(count);
  const names = devices?.names ?? ['device'];
  const rows = Map.groupBy(index.keys(), (row) => elementAt(index, row));
  return new Map(
    [...rows].map(([device, own]) => {
      const order = Int32Array.from(own);
      if (times) order.sort((a, b) => Number(elementAt(times, a) - elementAt(times, b)) || a - b);
      return [elementAt(names, device), order];
    }),
  );
}

/**
 * Finds the rate at which the devices of a table were sampled.
 * @throws {GaplineError} `data-invalid` where there are no times, or their distances are not regular: with what to do
 */
export function samplingOf(dataset: Dataset): Sampling {
  const { file, times } = dataset;
  const fail = (detail: string): never => {
    throw new GaplineError('data-invalid', `${file}: ${detail}`);
  };
  if (!times)
    return fail(
      'windows need the time of each row, and no column of times was found; name it with --time COLUMN, or add one',
    );
  const distances = distancesOf(dataset, times);
  if (distances.length < 2) return fail('has fewer than three rows of any device; windows need many');
  const repeated = distances.filter((distance) => distance === 0).length;
  if (repeated > distances.length * repeatedShare)
    return fail(
      `the same time occurs again in ${repeated} of ${dataset.count} rows${dataset.devices ? ' of one device' : ''}; ${
        dataset.devices
          ? 'remove those rows'
          : 'if they come from several devices, name their column with --device COLUMN'
      }`,
    );
  const positive = distances.filter((distance) => distance > 0);
  const period = periodOf(positive);
  const regular = positive.filter((distance) => isRegular(distance / period));
  if (regular.length < positive.length * regularShare) return fail(irregular(positive));
  let periods = 0;
  let sum = 0;
  let lost = 0;
  for (const distance of regular) {
    const steps = Math.round(distance / period);
    if (steps > mostLost) continue;
    periods += steps;
    sum += distance;
    lost += steps - 1;
  }
  return { rate: rateOf((periods / sum) * 1e9), lost };
}

/** From each row of a device to the next one, in nanoseconds, ascending. */
function distancesOf(dataset: Dataset, times: BigInt64Array): Float64Array {
  const all: number[] = [];
  for (const rows of rowsByDevice(dataset).values())
    for (let at = 1; at < rows.length; at++)
      all.push(Number(elementAt(times, elementAt(rows, at)) - elementAt(times, elementAt(rows, at - 1))));
  return Float64Array.from(all).sort();
}

/** The mean of the distances that are about the middle one: neither losses nor breaks. */
function periodOf(distances: Float64Array): number {
  const middle = elementAt(distances, distances.length >> 1);
  const single = distances.filter((distance) => distance < 1.5 * middle);
  return single.reduce((sum, distance) => sum + distance, 0) / single.length;
}

const isRegular = (periods: number): boolean => periods > 0.5 && Math.abs(periods - Math.round(periods)) <= tolerance;

const rateOf = (rate: number): number => {
  for (const near of [Math.round(rate), 1 / Math.round(1 / rate)])
    if (near > 0 && Number.isFinite(near) && Math.abs(rate / near - 1) < wholeShare) return near;
  return Number(rate.toPrecision(6));
};

function irregular(distances: Float64Array): string {
  const [low, middle, high] = [0.1, 0.5, 0.9].map((share) =>
    inSeconds(elementAt(distances, Math.floor(share * (distances.length - 1)))),
  );
  return `the times are not regular: from one row of a device to the next it is ${middle} s in the middle, less than ${low} s for a tenth and more than ${high} s for a tenth; put them onto a grid first, or make the stream without --window and add the step resample before the window (docs/signals.md)`;
}

const inSeconds = (ns: number): string => String(Number((ns / 1e9).toPrecision(3)));
