import { placeOrderStatistics } from '../../numeric/order-statistics.ts';
import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import { Convolver } from './convolver.ts';
import { fitsIntegers, IntegerConvolver } from './integer-convolver.ts';
import { type Dilation, isPadded, kernels, kernelsByShape, type RocketPlan } from './rocket-plan.ts';
import type { OnDone, TransformOptions } from './transform-options.ts';

/** A MiniRocket transform: the plan of its kernels, and their biases by feature. */
export interface Rocket {
  readonly plan: RocketPlan;
  readonly biases: Float32Array;
  /** Whether windows are convolved in whole numbers where that is exact enough: as they were when the classifier was fitted. */
  readonly integers: boolean;
}

/** The fractional parts of its multiples cover [0, 1) evenly, however many are taken. */
const goldenRatio = (1 + Math.sqrt(5)) / 2;
/** Where less than one of so many values is asked for, not all are sorted. */
const fewPlaces = 16;
/** To find a window for a kernel that is not all gaps. */
const mostTries = 10;
const kernelsInOrder = [...kernels.keys()];

/**
 * Takes the biases of each kernel from quantiles of its convolution with one random window of the training data, as the paper does.
 * @param values - windows one after the other; a gap is NaN
 */
export function fitRocket(
  plan: RocketPlan,
  values: Float64Array,
  count: number,
  seed: number,
  onKernel?: OnDone,
): Rocket {
  const convolver = new Convolver(plan);
  const random = mulberry32(seed);
  const width = plan.channels * plan.length;
  const biases = new Float32Array(plan.features);
  let feature = 0;
  for (const [index, dilation] of plan.dilations.entries())
    for (const kernel of kernels.keys()) {
      const shares = Float64Array.from(
        { length: dilation.biases },
        (_, bias) => ((feature + bias + 1) * goldenRatio) % 1,
      );
      biases.set(quantiles(sampled(), shares), feature);
      feature += dilation.biases;
      onKernel?.(index * kernels.length + kernel + 1, plan.dilations.length * kernels.length);

      function sampled(): Float32Array {
        for (let tried = 1; ; tried++) {
          convolver.load(values, Math.floor(random() * count) * width);
          convolver.dilate(dilation);
          convolver.select(dilation.channels[kernel]!);
          const known = withoutGaps(convolver.convolve(kernel, isPadded(kernel, index)));
          if (known.length > 0 || tried === mostTries) return known;
        }
      }
    }
  return { plan, biases, integers: fitsIntegers(plan) && plan.dilations.some(({ biases: each }) => each > 1) };
}

/** The values that are no NaN, in place. */
function withoutGaps(values: Float32Array): Float32Array {
  let kept = 0;
  for (const value of values) if (!Number.isNaN(value)) values[kept++] = value;
  return values.subarray(0, kept);
}

/** With straight lines between the values, as numpy's default. Zero of nothing. Values are moved. */
function quantiles(values: Float32Array, shares: Float64Array): Float64Array {
  if (values.length === 0) return new Float64Array(shares.length);
  const last = values.length - 1;
  if (shares.length * fewPlaces > values.length) values.sort();
  else {
    const places = Array.from(shares, (share) => Math.floor(share * last));
    const both = places.flatMap((at) => [at, Math.min(at + 1, last)]);
    placeOrderStatistics(
      values,
      both.sort((a, b) => a - b),
    );
  }
  return shares.map((share) => {
    const at = share * last;
    const below = Math.floor(at);
    const low = values[below]!;
    const high = values[Math.min(below + 1, last)]!;
    return low + (high - low) * (at - below);
  });
}

/** Turns windows into features: for each kernel and bias the proportion of positive values (PPV) of convolution less bias. */
export class RocketTransform {
  readonly features: number;
  readonly #plan: RocketPlan;
  readonly #convolver: Convolver;
  readonly #integers: IntegerConvolver | undefined;

  constructor({ plan, biases, integers }: Rocket) {
    this.features = plan.features;
    this.#plan = plan;
    this.#convolver = new Convolver(plan);
    this.#convolver.setBiases(biases);
    this.#integers = integers ? new IntegerConvolver(plan, biases) : undefined;
  }

  /** @param values - `count` windows one after the other, each channel after channel; a gap is NaN, and what it touches is not counted */
  transform(
    values: Float64Array,
    count: number,
    { into = new Float32Array(count * this.features), onWindow }: TransformOptions = {},
  ): Float32Array {
    const { channels, length, dilations, features } = this.#plan;
    for (let window = 0; window < count; window++) {
      const from = window * channels * length;
      this.#convolver.load(values, from);
      this.#integers?.load(values, from);
      let feature = 0;
      for (const [index, dilation] of dilations.entries()) {
        into.set(this.#shares(index, dilation, feature), window * features + feature);
        feature += kernels.length * dilation.biases;
      }
      onWindow?.(window + 1, count);
    }
    return into;
  }

  /** The features of a dilation, the first of which is `feature`. */
  #shares(index: number, dilation: Dilation, feature: number): Float32Array {
    if (this.#integers?.takes(index)) return this.#integers.shares(index);
    this.#convolver.dilate(dilation);
    for (const kernel of this.#convolver.sharesTriples(dilation) ? kernelsByShape : kernelsInOrder) {
      this.#convolver.select(dilation.channels[kernel]!);
      this.#convolver.count(kernel, isPadded(kernel, index), dilation, feature + kernel * dilation.biases);
    }
    return this.#convolver.shares(feature, kernels.length * dilation.biases);
  }
}
