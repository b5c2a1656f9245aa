import { elementAt } from '../../numeric/element.ts';
import type { Ridge } from '../linear/ridge.ts';
import { featuresOfShapelet, type ShapeletSet } from './shapelet-plan.ts';

/** The piece of a training series that spoke most for the label of a series, and where it fits best in it. */
export interface DecidingShapelet {
  /** Index of the channel. */
  readonly channel: number;
  /** The first sample of the channel that it was compared with, and from one such sample to the next. */
  readonly place: number;
  readonly step: number;
  /** As they were learnt. */
  readonly values: Float32Array;
  /** Its share of all that speaks for the label, from 0 to 1. */
  readonly share: number;
}

/**
 * Which shapelet decided. What a feature says for a class is its coefficient times its distance from the mean over the training
 * windows; what a shapelet says is the sum over its three features. Of those that fit better than on average the one that says most
 * for the label is chosen: one that speaks by being absent has no place to be shown at.
 */
export class DecidingShapelets {
  readonly #ridge: Ridge;
  readonly #means: Float64Array;
  readonly #shapelets: readonly Pick<DecidingShapelet, 'channel' | 'step' | 'values'>[];

  /** @param means - by feature, over the training windows */
  constructor({ groups }: ShapeletSet, ridge: Ridge, means: Float64Array) {
    this.#ridge = ridge;
    this.#means = means;
    this.#shapelets = groups.flatMap(({ channel, dilation, shapelets }) =>
      shapelets.map(({ values }) => ({ channel, step: dilation, values })),
    );
  }

  /**
   * @param from - where the features of the series begin
   * @returns undefined where none that fits speaks for the label
   */
  of(features: Float32Array, from: number, label: number): DecidingShapelet | undefined {
    let [best, most, all] = [-1, 0, 0];
    for (let shapelet = 0; shapelet < this.#shapelets.length; shapelet++) {
      const at = shapelet * featuresOfShapelet;
      const speaks = this.#speaks(features, from, at, label);
      if (speaks <= 0) continue;
      all += speaks;
      const isCloser = elementAt(features, from + at) < elementAt(this.#means, at);
      if (isCloser && speaks > most) [best, most] = [shapelet, speaks];
    }
    if (best < 0) return undefined;
    const place = elementAt(features, from + best * featuresOfShapelet + 1);
    return { ...elementAt(this.#shapelets, best), place, share: most / all };
  }

  /** How much a shapelet adds to the score of a class. Of two classes there is one score, positive for the second. */
  #speaks(features: Float32Array, from: number, at: number, label: number): number {
    const { classes, coefficients, width } = this.#ridge;
    const row = classes === 2 ? 0 : label * width;
    let sum = 0;
    for (let feature = at; feature < at + featuresOfShapelet; feature++)
      sum += coefficients[row + feature]! * (features[from + feature]! - this.#means[feature]!);
    return classes === 2 && label === 0 ? -sum : sum;
  }
}

/** By column, the mean over all rows. */
export function meansOf(values: ArrayLike<number>, count: number, width: number): Float64Array {
  const means = new Float64Array(width);
  for (let row = 0; row < count; row++)
    for (let column = 0; column < width; column++) means[column]! += values[row * width + column]! / count;
  return means;
}
