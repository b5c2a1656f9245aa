import { elementAt } from '../../core/numeric/element.ts';
import { type LatencyHistogram, quantileOf } from '../../core/statistics/latency-histogram.ts';
import type { GapFigures, Latency, Rates, Second as SecondRow } from '../events.ts';
import { rightOf, scoredOf } from './accuracy.ts';
import type { Line } from './line.ts';
import { rounded } from './rounded.ts';
import { enough, type Second, windowSeconds } from './window.ts';

/** A single field has fewer values to go by than all together. */
const fieldSeconds = 30;
const rateSeconds = 5;
const latencySeconds = 10;

export function ratesOf(line: Line, nowSecond: number): Rates {
  const first = Math.max(nowSecond - rateSeconds, Math.min(line.firstSecond, nowSecond - 1));
  let readings = 0;
  let labels = 0;
  for (let at = first; at < nowSecond; at += 1) {
    const second = line.window.get(at);
    readings += second?.readings ?? 0;
    labels += second?.labels ?? 0;
  }
  const seconds = nowSecond - first;
  return { readings: rounded(readings / seconds, 1), labels: rounded(labels / seconds, 1) };
}

/** One in how many records of the last ten seconds was parsed. */
export function oneInOf(line: Line, nowSecond: number): number {
  let counted = 0;
  let parsed = 0;
  for (let at = nowSecond - windowSeconds; at <= nowSecond; at += 1) {
    const second = line.window.get(at);
    if (!second) continue;
    counted += second.readings + second.labels;
    parsed += second.parsedReadings + second.parsedLabels;
  }
  // Records that could not be parsed must not look like a sample.
  return parsed === 0 || counted - line.malformed <= parsed ? 1 : Math.max(1, Math.round(counted / parsed));
}

export function gapsOf(line: Line, nowSecond: number, fieldCount: number): GapFigures {
  const parsed = (second: Second) => second.parsedReadings;
  const now = gapCounts(line.window.newest(nowSecond, windowSeconds, enough, parsed), fieldCount);
  const gaps = now.byField.reduce((sum, count) => sum + count, 0);
  const longer = gapCounts(line.window.newest(nowSecond, fieldSeconds, enough, parsed), fieldCount);
  return {
    readings: now.readings,
    share: now.readings * fieldCount === 0 ? null : rounded(gaps / (now.readings * fieldCount), 4),
    byField: Array.from(longer.byField, (count) => (longer.readings === 0 ? 0 : rounded(count / longer.readings, 3))),
  };
}

function gapCounts(seconds: readonly Second[], fieldCount: number): { readings: number; byField: Float64Array } {
  const byField = new Float64Array(fieldCount);
  let readings = 0;
  for (const second of seconds) {
    readings += second.parsedReadings;
    for (let field = 0; field < fieldCount; field += 1) byField[field]! += elementAt(second.gapsByField, field);
  }
  return { readings, byField };
}

export function latencyOf(line: Line, nowSecond: number): Latency | null {
  const seconds = line.window.newest(nowSecond, windowSeconds, enough, (second) => second.parsedLabels);
  return quantiles(seconds.map((second) => second.latency));
}

/** One second as the page draws it. */
export function rowOf(line: Line, second: Second): SecondRow {
  const width = second.gapsByField.length * second.parsedReadings;
  const gaps = second.gapsByField.reduce((sum, count) => sum + count, 0);
  const before = latenciesUpTo(line, second.at);
  const latency = before.length === 0 ? null : quantiles(before);
  return {
    at: second.at,
    readings: second.readings,
    labels: second.labels,
    deadLetters: second.deadLetters,
    gapShare: width === 0 ? null : rounded(gaps / width, 4),
    setGapRate: second.setGapRate,
    byClass: withoutTrailingZeros(second.byClass),
    scored: scoredOf(second),
    right: rightOf(second, line.classes.limit),
    ...(second.pairs > 0 && { duel: [second.pairs, second.championRight, second.challengerRight] as const }),
    p50Ms: latency?.p50Ms ?? null,
    p99Ms: latency?.p99Ms ?? null,
  };
}

function latenciesUpTo(line: Line, at: number): LatencyHistogram[] {
  const found: LatencyHistogram[] = [];
  for (let second = at - latencySeconds + 1; second <= at; second += 1) {
    const kept = line.window.get(second);
    if (kept && kept.parsedLabels > 0) found.push(kept.latency);
  }
  return found;
}

function quantiles(histograms: readonly LatencyHistogram[]): Latency | null {
  if (histograms.every(({ count }) => count === 0)) return null;
  const figure = (share: number) => significant(quantileOf(histograms, share));
  return { p50Ms: figure(0.5), p99Ms: figure(0.99) };
}

function withoutTrailingZeros(counts: Float64Array): number[] {
  let length = counts.length;
  while (length > 0 && counts[length - 1] === 0) length -= 1;
  return Array.from(counts.subarray(0, length));
}

const significant = (value: number) => Number(value.toPrecision(3));
