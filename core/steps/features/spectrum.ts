import { z } from 'zod';
import { Periodogram } from '../../numeric/periodogram.ts';
import { taperOf, tapers } from '../../numeric/taper.ts';
import { defineStep } from '../definition.ts';
import { channels, rate, rateOf, StepProblem } from '../params.ts';
import type { Windows } from '../port.ts';
import { since } from '../time.ts';
import { type ChannelFeatures, featureStep } from './features.ts';

const kinds = ['bands', 'peak', 'centroid', 'entropy'] as const;
type Kind = (typeof kinds)[number];

/** Samples that one transform takes at most. */
const maxPoints = 1_048_576;
const defaultBands = 8;
/** A spread below this share of the level is what summing rounds off. */
const rounding = 2 ** -44;

export const spectrum = defineStep({
  use: 'spectrum',
  summary: 'which frequencies a window holds: energy by band, peak, centroid, entropy',
  params: z.strictObject({
    features: z
      .array(z.enum(kinds))
      .min(1)
      .default([...kinds])
      .describe('which are computed'),
    bands: z
      .array(z.tuple([z.number().min(0), z.number().positive()]))
      .min(1)
      .max(256)
      .optional()
      .describe('bands as `[from, to)` in hertz; default: eight equal ones up to half the rate'),
    taper: z.enum(tapers).default('hann').describe('the window function, periodic; the mean is taken off before'),
    rate: rate().optional().describe('samples a second; default: that of the steps before it'),
    minSamples: z
      .int()
      .min(1)
      .max(maxPoints)
      .optional()
      .describe('with fewer measured values all of them are gaps; default: half of a whole window'),
    channels: channels(),
  }),
  build(params, shape) {
    if (!shape.windows) throw new StepProblem('it works on windows; put a window step before it');
    const samplesPerSecond = rateOf(shape, params.rate);
    const points = Math.round((shape.windows.lengthNs / 1e9) * samplesPerSecond);
    if (points < 2 || points > maxPoints)
      throw new StepProblem(`rate: a window has ${points} samples; a spectrum takes 2 to ${maxPoints}`);
    const nyquist = samplesPerSecond / 2;
    for (const [from, to] of params.bands ?? [])
      if (from >= to || from > nyquist)
        throw new StepProblem(`bands: [${from}, ${to}] is empty, or above half the rate, ${nyquist} Hz`);
    const plan = {
      rate: samplesPerSecond,
      points,
      chosen: kinds.filter((kind) => params.features.includes(kind)),
      bands: params.bands ?? equalBands(nyquist),
      taper: taperOf(params.taper, points),
      minSamples: params.minSamples ?? Math.ceil(points / 2),
    };
    return featureStep(shape, params.channels, spectrumOf(plan));
  },
});

interface Plan {
  readonly rate: number;
  readonly points: number;
  readonly chosen: readonly Kind[];
  readonly bands: readonly (readonly [number, number])[];
  readonly taper: Float64Array;
  readonly minSamples: number;
}

const equalBands = (nyquist: number) =>
  Array.from({ length: defaultBands }, (_, at): [number, number] => [
    (nyquist * at) / defaultBands,
    (nyquist * (at + 1)) / defaultBands,
  ]);

function spectrumOf(plan: Plan): ChannelFeatures {
  const { chosen, bands } = plan;
  const names = chosen.flatMap((kind) => (kind === 'bands' ? bands.map(([from, to]) => `band.${from}-${to}`) : [kind]));
  return {
    names,
    open() {
      const power = new PowerSpectrum(plan);
      return {
        compute(windows, row, column, into) {
          if (power.of(windows, row, column) < plan.minSamples) return;
          let at = 0;
          for (const kind of chosen) {
            if (kind !== 'bands') into[at++] = power.feature(kind);
            else for (let band = 0; band < bands.length; band++) into[at++] = power.energy(band);
          }
        },
      };
    },
  };
}

/** The power spectrum of a window, and what is computed of it. */
class PowerSpectrum {
  readonly #plan: Plan;
  readonly #periodogram: Periodogram;
  readonly #bins: readonly { readonly from: number; readonly to: number }[];
  #total = 0;
  #moment = 0;
  #peak = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#bins = plan.bands.map(([from, to]) => binsOf(plan, from, to));
    this.#periodogram = new Periodogram(plan.rate, plan.taper);
  }

  /** @returns how many values were measured; with fewer than `minSamples` there is no spectrum */
  of(windows: Windows, row: number, column: number): number {
    const { minSamples, points } = this.#plan;
    const values = windows.columns[column]!;
    const from = windows.starts[row]!;
    let measured = windows.starts[row + 1]! - from;
    if (measured !== points || !this.#periodogram.ofWhole(values, from)) {
      measured = this.#place(windows, row, column);
      if (measured < minSamples) return measured;
      this.#periodogram.ofInput(measured);
    }
    this.#sum();
    return measured;
  }

  /** Power in a band: the density summed over its frequencies. */
  energy(band: number): number {
    const { from, to } = this.#bins[band]!;
    let sum = 0;
    const { power, spacing } = this.#periodogram;
    for (let bin = from; bin < to; bin++) sum += power[bin]!;
    return sum * spacing;
  }

  feature(kind: Exclude<Kind, 'bands'>): number {
    // A constant holds no frequency at all, only rounding.
    const { power, spacing, mean } = this.#periodogram;
    if (!(this.#total * spacing > (rounding * mean) ** 2)) return Number.NaN;
    if (kind === 'peak') return this.#peak * spacing;
    if (kind === 'centroid') return (this.#moment / this.#total) * spacing;
    return entropyOf(power, this.#total);
  }

  #sum(): void {
    const { power } = this.#periodogram;
    let total = 0;
    let moment = 0;
    let peak = 0;
    for (let bin = 0; bin < power.length; bin++) {
      const value = power[bin]!;
      total += value;
      moment += value * bin;
      if (value > power[peak]!) peak = bin;
    }
    this.#total = total;
    this.#moment = moment;
    this.#peak = peak;
  }

  /** Puts the samples where they belong in time, with NaN where none is. */
  #place(
    { starts, columns, seconds, nanoseconds, fromSeconds, fromNanoseconds }: Windows,
    row: number,
    column: number,
  ) {
    const { input } = this.#periodogram;
    const { rate: perSecond, points } = this.#plan;
    const values = columns[column]!;
    const from = starts[row]!;
    const to = starts[row + 1]!;
    let measured = 0;
    if (to - from === points) {
      // As many as there should be: each is in its place.
      for (let at = 0; at < points; at++) {
        const value = values[from + at]!;
        input[at] = value;
        if (!Number.isNaN(value)) measured++;
      }
      return measured;
    }
    input.fill(Number.NaN);
    for (let at = from; at < to; at++) {
      const elapsed = since(seconds[at]!, nanoseconds[at]!, fromSeconds[row]!, fromNanoseconds[row]!);
      const place = Math.round((elapsed / 1e9) * perSecond);
      if (place < points && !Number.isNaN(values[at]!)) input[place] = values[at]!;
    }
    for (const value of input) if (!Number.isNaN(value)) measured++;
    return measured;
  }
}

/** The harmonics in `[from, to)` hertz. A band that ends at half the rate holds that frequency too. */
function binsOf({ rate: perSecond, points }: Plan, from: number, to: number): { from: number; to: number } {
  const count = (points >> 1) + 1;
  const firstFrom = (frequency: number): number => {
    let bin = 0;
    while (bin < count && (bin * perSecond) / points < frequency) bin++;
    return bin;
  };
  return { from: firstFrom(from), to: to >= perSecond / 2 ? count : firstFrom(to) };
}

/** Shannon's entropy of the shares of the power, from 0 (one frequency) to 1 (all alike). */
function entropyOf(power: Float64Array, total: number): number {
  let sum = 0;
  for (let bin = 0; bin < power.length; bin++) {
    const value = power[bin]!;
    if (value > 0) sum += value * Math.log(value);
  }
  return (Math.log(total) - sum / total) / Math.log(power.length);
}
