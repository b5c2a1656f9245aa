import type { Second } from '../events.ts';

/** What the charts draw, computed from the seconds: one entry a second, null where there is nothing to draw. */
export interface Columns {
  /** Seconds since the epoch. */
  readonly x: number[];
  readonly readings: (number | null)[];
  readonly labels: (number | null)[];
  readonly gapShare: (number | null)[];
  readonly setGapRate: (number | null)[];
  readonly accuracy: (number | null)[];
  /** The 95 % confidence interval of the accuracy. */
  readonly accuracyLow: (number | null)[];
  readonly accuracyHigh: (number | null)[];
  /** Of both over the readings that both labelled. */
  readonly champion: (number | null)[];
  readonly challenger: (number | null)[];
  readonly p50Ms: (number | null)[];
  readonly p99Ms: (number | null)[];
}

type Seconds = ReadonlyMap<number, Second>;

/** Accuracy over time rests on the ten seconds before, or on more of them where that is too little data. */
const accuracySeconds = 10;
const accuracyMost = 600;
const accuracyEnough = 300;
/** Of fewer labels nothing is drawn: the interval would fill the chart. */
const accuracyLeast = 20;
const sharesSeconds = 5;

/** The columns of the seconds `from` to `to`, both included. Before the first second known nothing is drawn, after it a lack is zero. */
export function columnsOf(seconds: Seconds, from: number, to: number): Columns {
  const columns: Columns = {
    x: [],
    readings: [],
    labels: [],
    gapShare: [],
    setGapRate: [],
    accuracy: [],
    accuracyLow: [],
    accuracyHigh: [],
    champion: [],
    challenger: [],
    p50Ms: [],
    p99Ms: [],
  };
  const first = firstOf(seconds);
  for (let at = from; at <= to; at += 1) {
    const second = seconds.get(at);
    const absent = at < first ? null : 0;
    columns.x.push(at);
    columns.readings.push(second?.readings ?? absent);
    columns.labels.push(second?.labels ?? absent);
    columns.gapShare.push(second?.gapShare ?? null);
    columns.setGapRate.push(second?.setGapRate ?? null);
    columns.p50Ms.push(second?.p50Ms ?? null);
    columns.p99Ms.push(second?.p99Ms ?? null);
    const { right, scored } = scoredUpTo(seconds, at);
    const interval = scored < accuracyLeast || !second ? undefined : wilson(right, scored);
    columns.accuracy.push(interval ? right / scored : null);
    columns.accuracyLow.push(interval?.low ?? null);
    columns.accuracyHigh.push(interval?.high ?? null);
    const [pairs, champion, challenger] = pairsUpTo(seconds, at);
    const isShown = pairs >= accuracyLeast && second !== undefined;
    columns.champion.push(isShown ? champion / pairs : null);
    columns.challenger.push(isShown ? challenger / pairs : null);
  }
  return columns;
}

function firstOf(seconds: Seconds): number {
  let first = Number.POSITIVE_INFINITY;
  for (const at of seconds.keys()) first = Math.min(first, at);
  return first;
}

function scoredUpTo(seconds: Seconds, at: number): { right: number; scored: number } {
  let right = 0;
  let scored = 0;
  for (let back = 0; back < accuracyMost && (back < accuracySeconds || scored < accuracyEnough); back += 1) {
    const second = seconds.get(at - back);
    right += second?.right ?? 0;
    scored += second?.scored ?? 0;
  }
  return { right, scored };
}

function pairsUpTo(seconds: Seconds, at: number): [pairs: number, champion: number, challenger: number] {
  let [pairs, champion, challenger] = [0, 0, 0];
  for (let back = 0; back < accuracyMost && (back < accuracySeconds || pairs < accuracyEnough); back += 1) {
    const duel = seconds.get(at - back)?.duel;
    if (!duel) continue;
    pairs += duel[0];
    champion += duel[1];
    challenger += duel[2];
  }
  return [pairs, champion, challenger];
}

/** Wilson's 95 % interval of a proportion: sound for small numbers and near 0 and 1. https://doi.org/10.2307/2276774 */
export function wilson(right: number, total: number): { low: number; high: number } {
  const z = 1.96;
  const share = right / total;
  const middle = share + (z * z) / (2 * total);
  const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  return { low: Math.max(0, (middle - spread) / scale), high: Math.min(1, (middle + spread) / scale) };
}

/**
 * Shares of labels over the five seconds before, stacked: column k is the sum of the shares of the layers k and after, so that layer
 * 0 is drawn first and whole. A layer is a set of class indices.
 */
export function stackedShares(
  seconds: Seconds,
  x: readonly number[],
  layers: readonly (readonly number[])[],
): (number | null)[][] {
  const moments = x.map((at) => {
    const counts = layers.map((indices) => countUpTo(seconds, at, indices));
    const total = counts.reduce((sum, count) => sum + count, 0);
    return { counts, total, above: total };
  });
  return layers.map((_, layer) =>
    moments.map((moment) => {
      const share = moment.total === 0 ? null : moment.above / moment.total;
      moment.above -= moment.counts[layer]!;
      return share;
    }),
  );
}

function countUpTo(seconds: Seconds, at: number, indices: readonly number[]): number {
  let sum = 0;
  for (let back = 0; back < sharesSeconds; back += 1) {
    const byClass = seconds.get(at - back)?.byClass;
    if (byClass) for (const index of indices) sum += byClass[index] ?? 0;
  }
  return sum;
}

/** Labels by class index over all seconds known. */
export function totalsByClass(seconds: Seconds): number[] {
  const totals: number[] = [];
  for (const { byClass } of seconds.values()) {
    for (const [index, count] of byClass.entries()) totals[index] = (totals[index] ?? 0) + count;
  }
  return Array.from(totals, (total) => total ?? 0);
}
