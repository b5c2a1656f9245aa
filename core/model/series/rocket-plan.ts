import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import type { SeriesShape } from './shape.ts';

/** Weights of a kernel: so many, of which three are 2 and the others -1. */
export const taps = 9;
/** Half a kernel: how far it reaches to either side, in dilations. */
export const reach = (taps - 1) / 2;

/** Which weights of each kernel are 2: all ways to choose three of nine. */
export const kernels: readonly (readonly [number, number, number])[] = Array.from({ length: taps }, (_, a) =>
  Array.from({ length: taps }, (_, b) => Array.from({ length: taps }, (_, c) => [a, b, c] as const)).flat(),
)
  .flat()
  .filter(([a, b, c]) => a < b && b < c);

/**
 * The kernels so that those whose three heavy weights stand equally far from each other follow each other; before that, those of which
 * the first two do.
 */
export const kernelsByShape: readonly number[] = [...kernels.keys()].sort((one, other) => {
  const [[a = 0, b = 0, c = 0] = [], [d = 0, e = 0, f = 0] = []] = [kernels[one], kernels[other]];
  return b - a - (e - d) || c - a - (f - d);
});

/** Every other kernel is laid over the ends of the window as well, where zeros stand beyond them. */
export const isPadded = (kernel: number, dilation: number): boolean => (kernel + dilation) % 2 === 0;

/** The kernels of one dilation. */
export interface Dilation {
  readonly dilation: number;
  /** How many biases each kernel has, each of which gives a feature. */
  readonly biases: number;
  /** By kernel, the channels whose sum it is laid over. */
  readonly channels: readonly (readonly number[])[];
}

export interface RocketPlan extends SeriesShape {
  readonly dilations: readonly Dilation[];
  /** Of all dilations and kernels. */
  readonly features: number;
}

/** Features, rounded down to a multiple of the kernels. */
export const defaultFeatures = 10_000;
/** No kernel has more dilations. */
const mostDilations = 32;
/** A kernel is laid over at most so many channels. */
const mostChannels = 9;

/**
 * The kernels and dilations of MiniRocket for windows of a shape. Dilations grow exponentially up to the length of the window; the
 * shorter ones have more biases. Source: Dempster, Schmidt and Webb, "MiniRocket: a very fast (almost) deterministic transform for
 * time series classification", KDD 2021, section 3.
 * @param seed - chooses channels where there are several
 */
export function planRocket({ channels, length }: SeriesShape, wanted: number, seed: number): RocketPlan {
  if (length < taps) throw new RangeError(`a window has ${length} samples; rocket needs at least ${taps}`);
  const perKernel = Math.max(1, Math.floor(wanted / kernels.length));
  const random = mulberry32(seed);
  const dilations = spread(length, perKernel).map(([dilation, biases]) => ({
    dilation,
    biases,
    channels: kernels.map(() => chooseChannels(channels, random)),
  }));
  return { channels, length, dilations, features: perKernel * kernels.length };
}

/** How many of a kernel's biases go to each dilation. */
function spread(length: number, perKernel: number): [dilation: number, biases: number][] {
  const steps = Math.min(perKernel, mostDilations);
  const longest = Math.log2((length - 1) / (taps - 1));
  const counts = new Map<number, number>();
  for (let step = 0; step < steps; step++) {
    const dilation = Math.floor(2 ** (steps === 1 ? 0 : (longest * step) / (steps - 1)));
    counts.set(dilation, (counts.get(dilation) ?? 0) + 1);
  }
  const shares = [...counts].map(([dilation, count]): [number, number] => [
    dilation,
    Math.floor((count * perKernel) / steps),
  ]);
  let left = perKernel - shares.reduce((sum, [, biases]) => sum + biases, 0);
  for (let at = 0; left > 0; at = (at + 1) % shares.length, left--) shares[at]![1] += 1;
  return shares;
}

/** One channel where there is one; else a random set, few channels more often than many. */
function chooseChannels(channels: number, random: () => number): number[] {
  if (channels === 1) return [0];
  const most = Math.log2(Math.min(channels, mostChannels) + 1);
  const count = Math.min(channels, Math.floor(2 ** (random() * most)));
  const all = Array.from({ length: channels }, (_, channel) => channel);
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(random() * (channels - at));
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all.slice(0, count).sort((a, b) => a - b);
}
