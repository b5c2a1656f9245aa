import { Periodogram } from '../../core/numeric/periodogram.ts';
import { taperOf } from '../../core/numeric/taper.ts';
import { sampleOffsetNs } from '../../core/wire/sample-offset.ts';
import type { WindowView } from '../events.ts';
import type { DeviceSamples, HeldRecord, SeenWindow } from './device-samples.ts';
import { viewShapelet } from './shapelet-view.ts';

/** Points that a page is sent of a wave and of a spectrum; of more, the extremes are sent. */
const mostPoints = 2_000;
/** Places of the grid that a window is put on at most. */
const mostPlaces = 1_048_576;
/** Of fewer measured values than this share of a window there is no spectrum. */
const leastShare = 0.25;
/** Times are even if so many of the distances between them are within a tenth of the median. */
const evenShare = 0.9;

/** Samples of one field within a window: nanoseconds from its beginning, and values, NaN for a gap. */
interface Cut {
  readonly elapsed: number[];
  readonly values: number[];
  readonly rate: number | undefined;
}

/** The newest window whose samples were all read, else the one of which most were. */
export function viewWindow(device: DeviceSamples, field: string, index: number): WindowView | undefined {
  let best: { readonly window: SeenWindow; readonly cut: Cut } | undefined;
  for (const window of [...device.windows].reverse()) {
    const cut = cutOf(device.records, window, index);
    if (!best || cut.elapsed.length > best.cut.elapsed.length) best = { window, cut };
    if (cut.elapsed.length >= window.samples) break;
  }
  return best && viewOf(best.window, field, best.cut);
}

/** Of samples of one time, the one that came later counts. */
function cutOf(records: readonly HeldRecord[], window: SeenWindow, index: number): Cut {
  const from = BigInt(window.from);
  const lengthNs = Number(BigInt(window.time) - from);
  const found = new Map<number, number>();
  let rate: number | undefined;
  for (const record of records) {
    const offset = Number(record.ns - from);
    if (window.isSegment && offset !== 0) continue;
    if (offset >= lengthNs || Number(record.lastNs - from) < 0) continue;
    rate = record.rate ?? rate;
    const column = record.columns[index] ?? [];
    for (let at = 0; at < record.count; at++) {
      const elapsed = offset + (record.rate === undefined ? 0 : sampleOffsetNs(at, record.rate));
      if (elapsed >= 0 && elapsed < lengthNs) found.set(elapsed, column[at] ?? Number.NaN);
    }
  }
  const elapsed = [...found.keys()].sort((a, b) => a - b);
  return { elapsed, values: elapsed.map((at) => found.get(at) ?? Number.NaN), rate: rate ?? evenRate(elapsed) };
}

/** The rate of times that are about evenly apart; undefined where they are not. */
function evenRate(elapsed: readonly number[]): number | undefined {
  const distances = elapsed.slice(1).map((at, index) => at - (elapsed[index] ?? 0));
  const median = [...distances].sort((a, b) => a - b)[distances.length >> 1];
  if (median === undefined || distances.length < 8) return undefined;
  const even = distances.filter((distance) => Math.abs(distance - median) < median / 10).length;
  return even >= evenShare * distances.length ? 1e9 / median : undefined;
}

function viewOf(window: SeenWindow, field: string, cut: Cut): WindowView {
  const seconds = Number(BigInt(window.time) - BigInt(window.from)) / 1e9;
  const points = cut.rate === undefined ? 0 : Math.round(seconds * cut.rate);
  const placed =
    points > 1 && points <= mostPlaces && cut.rate !== undefined ? place(cut, cut.rate, points) : undefined;
  const measured = cut.values.filter((value) => !Number.isNaN(value)).length;
  const wave = placed
    ? reduce(placed, (at) => (at / points) * seconds * 1e3)
    : { x: cut.elapsed.map((at) => at / 1e6), y: cut.values.map(finiteOrNull) };
  return {
    device: window.device,
    field,
    from: window.from,
    time: window.time,
    seconds,
    label: window.label,
    probability: window.probability,
    truth: window.truth ?? null,
    rate: cut.rate === undefined ? null : significant(cut.rate),
    samples: window.samples,
    read: cut.elapsed.length,
    expected: Math.max(points, cut.elapsed.length),
    measured,
    wave: placed ? wave : thinned(wave),
    gaps: gapsOf(wave.x, wave.y, seconds * 1e3),
    shapelet: placed && window.shapelet?.channel === field ? viewShapelet(window.shapelet, placed, seconds) : null,
    spectrum:
      placed && measured >= Math.max(2, leastShare * points) ? spectrumOf(placed, measured, points / seconds) : null,
  };
}

/** The samples in their places on the window's grid, NaN where none is. */
function place({ elapsed, values }: Cut, rate: number, points: number): Float64Array {
  const grid = new Float64Array(points).fill(Number.NaN);
  for (let at = 0; at < elapsed.length; at++) {
    const index = Math.round(((elapsed[at] ?? 0) / 1e9) * rate);
    const value = values[at] ?? Number.NaN;
    if (index < points && !Number.isNaN(value)) grid[index] = value;
  }
  return grid;
}

interface Curve {
  readonly x: number[];
  readonly y: (number | null)[];
}

/** A curve of at most {@link mostPoints}: the smallest and the largest value of each part of it, nothing where all of the part is missing. */
function reduce(values: Float64Array, xOf: (index: number) => number): Curve {
  const perPart = Math.ceil(values.length / (mostPoints / 2));
  const curve: Curve = { x: [], y: [] };
  if (values.length <= mostPoints) {
    for (const [at, value] of values.entries()) addPoint(curve, xOf(at), value);
    return curve;
  }
  for (let from = 0; from < values.length; from += perPart) {
    const part = values.subarray(from, from + perPart).filter((value) => !Number.isNaN(value));
    const none = part.length === 0;
    addPoint(curve, xOf(from), none ? Number.NaN : part.reduce((a, b) => Math.min(a, b)));
    addPoint(curve, xOf(from + perPart / 2), none ? Number.NaN : part.reduce((a, b) => Math.max(a, b)));
  }
  return curve;
}

function addPoint({ x, y }: Curve, at: number, value: number): void {
  x.push(significant(at));
  y.push(finiteOrNull(value));
}

/** Of times that are not even, so many as can be drawn. */
function thinned({ x, y }: Curve): Curve {
  const step = Math.ceil(x.length / mostPoints);
  return step <= 1 ? { x, y } : { x: x.filter((_, at) => at % step === 0), y: y.filter((_, at) => at % step === 0) };
}

/** Where nothing was measured: from the last value before to the first one after. */
function gapsOf(x: readonly number[], y: readonly (number | null)[], end: number): [number, number][] {
  const gaps: [number, number][] = [];
  let from: number | undefined;
  for (const [at, value] of y.entries()) {
    if (value === null) from ??= at === 0 ? 0 : (x[at - 1] ?? 0);
    else if (from !== undefined) {
      gaps.push([from, x[at] ?? end]);
      from = undefined;
    }
  }
  if (from !== undefined || y.length === 0) gaps.push([from ?? 0, end]);
  return gaps;
}

/** The transforms of the lengths that were used last: making one takes longer than using it. */
const periodograms = new Map<string, Periodogram>();
const mostPeriodograms = 4;

function spectrumOf(values: Float64Array, measured: number, rate: number): { x: number[]; y: number[] } {
  const key = `${values.length} ${rate}`;
  const periodogram = periodograms.get(key) ?? new Periodogram(rate, taperOf('hann', values.length));
  periodograms.delete(key);
  periodograms.set(key, periodogram);
  const [oldest] = periodograms.keys();
  if (oldest !== undefined && periodograms.size > mostPeriodograms) periodograms.delete(oldest);
  periodogram.input.set(values);
  periodogram.ofInput(measured);
  const { power, spacing } = periodogram;
  const perPart = Math.ceil((power.length - 1) / (mostPoints / 2));
  const spectrum = { x: [] as number[], y: [] as number[] };
  // The first harmonic is the mean, which was taken off.
  for (let from = 1; from < power.length; from += perPart) {
    const part = power.subarray(from, from + perPart);
    spectrum.x.push(significant(from * spacing));
    spectrum.y.push(significant(part.reduce((a, b) => Math.max(a, b))));
  }
  return spectrum;
}

const finiteOrNull = (value: number): number | null => (Number.isNaN(value) ? null : significant(value));
const significant = (value: number): number => Number(value.toPrecision(6));
