import { binOf } from '../core/model/histogram.ts';
import type { FieldHistogram } from '../core/model/histogram-schema.ts';
import type { Model } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { elementAt } from '../core/numeric/element.ts';
import type { Status } from '../core/wire/status.ts';

/** Readings in the window, between half of it and all of it. */
const windowReadings = 10_000;
/** Of a large batch every so-manieth reading is looked at, so that this many are. */
const maxSampled = 250;
/** Of a long series every so-manieth sample is counted, each time from another on, so that about this many are. */
const maxSamples = 64;
/** A field with fewer values in the window has no index yet: chance alone would make one. */
const minValues = 500;
/** The fields that are listed, those that drifted most first. */
const maxListed = 20;

/** One half of the window. */
class Counts {
  readings = 0;
  outsideReadings = 0;
  readonly bins: readonly Float64Array[];
  readonly outside: Float64Array;

  constructor(histograms: readonly FieldHistogram[]) {
    this.bins = histograms.map(({ counts }) => new Float64Array(counts.length));
    this.outside = new Float64Array(histograms.length);
  }
}

/**
 * How far the readings of late are from those that the model was trained on: by field the population stability index over the bins of
 * the training histogram, and how many values lie outside the range of training. Gaps count for nothing.
 */
export class Drift {
  readonly #fields: readonly string[];
  readonly #histograms: readonly FieldHistogram[];
  readonly #threshold: number;
  /** Columns of a field: of a series, its samples. */
  readonly #span: number;
  #current: Counts;
  #previous: Counts;

  /**
   * @param model - its fields, or the channels of its series, are watched
   * @param histograms - by field or channel
   * @param threshold - of the index, above which one counts as drifted
   */
  constructor(
    { fields, series }: Pick<Model, 'fields' | 'series'>,
    histograms: readonly FieldHistogram[],
    threshold: number,
  ) {
    this.#fields = series?.channels ?? fields;
    this.#span = series?.length ?? 1;
    this.#histograms = histograms;
    this.#threshold = threshold;
    this.#current = new Counts(histograms);
    this.#previous = new Counts(histograms);
  }

  /** @param rows - in the columns of the histograms */
  add({ count, width, values }: Rows): void {
    const stride = Math.max(1, Math.ceil(count / maxSampled));
    for (let row = 0; row < count; row += stride) this.#addRow(values, row * width);
    if (this.#current.readings < windowReadings / 2) return;
    this.#previous = this.#current;
    this.#current = new Counts(this.#histograms);
  }

  #addRow(values: Float64Array, start: number): void {
    const counts = this.#current;
    let isOutside = false;
    for (const [field, histogram] of this.#histograms.entries()) {
      const first = start + field * this.#span;
      this.#count(values, first, field, histogram);
      // The sample that is out of range may be any, so all are looked at.
      isOutside ||= wasSeen(histogram) && leavesRange(values, first, first + this.#span, histogram);
    }
    counts.readings += 1;
    if (isOutside) counts.outsideReadings += 1;
  }

  #count(values: Float64Array, first: number, field: number, histogram: FieldHistogram): void {
    const { bins, outside, readings } = this.#current;
    const { min, max, edges } = histogram;
    const into = bins[field]!;
    const end = first + this.#span;
    const stride = Math.ceil(this.#span / maxSamples);
    let left = 0;
    // Windows overlap and waves repeat: from one row to the next other places are counted.
    for (let at = first + (readings % stride); at < end; at += stride) {
      const value = values[at]!;
      if (Number.isNaN(value)) continue;
      into[binOf(edges, value)]! += 1;
      if (value < min || value > max) left += 1;
    }
    if (wasSeen(histogram)) outside[field]! += left;
  }

  /** Undefined while there are too few readings. */
  summary(): Status['drift'] {
    const halves = [this.#current, this.#previous];
    const sum = (of: (counts: Counts) => number) => halves.reduce((total, half) => total + of(half), 0);
    const readings = sum((half) => half.readings);
    if (readings < minValues) return undefined;
    const fields = this.#histograms.flatMap((histogram, field) => {
      const now = histogram.counts.map((_, bin) => sum((half) => elementAt(elementAt(half.bins, field), bin)));
      const values = now.reduce((a, b) => a + b, 0);
      const trained = histogram.counts.reduce((a, b) => a + b, 0);
      if (values < minValues || trained === 0) return [];
      const outside = sum((half) => elementAt(half.outside, field)) / values;
      return { name: elementAt(this.#fields, field), psi: stabilityIndex(histogram.counts, now), outside };
    });
    fields.sort((a, b) => b.psi - a.psi || b.outside - a.outside);
    return {
      readings,
      threshold: this.#threshold,
      outside: sum((half) => half.outsideReadings) / readings,
      psi: fields[0]?.psi ?? 0,
      drifted: fields.filter(({ psi }) => psi > this.#threshold).length,
      fields: fields.slice(0, maxListed),
    };
  }
}

/** A field that training never saw has no range to be outside of. */
const wasSeen = ({ counts }: FieldHistogram): boolean => counts.length > 1 || counts[0] !== 0;

/** Whether a value is outside; a gap is not. */
function leavesRange(values: Float64Array, from: number, to: number, { min, max }: FieldHistogram): boolean {
  for (let at = from; at < to; at++) {
    const value = values[at] ?? Number.NaN;
    if (value < min || value > max) return true;
  }
  return false;
}

/**
 * The population stability index of two counts over the same bins: the sum of (a - e) ln(a / e) over their shares, with half a count
 * more in each bin, so that an empty one is no infinity. Customary reading: below 0.1 stable, above 0.25 another population.
 */
export function stabilityIndex(expected: readonly number[], actual: readonly number[]): number {
  const shares = (counts: readonly number[]) => {
    const total = counts.reduce((a, b) => a + b, 0) + counts.length / 2;
    return counts.map((count) => (count + 0.5) / total);
  };
  const [e, a] = [shares(expected), shares(actual)];
  return e.reduce((index, share, bin) => {
    const now = elementAt(a, bin);
    return index + (now - share) * Math.log(now / share);
  }, 0);
}
