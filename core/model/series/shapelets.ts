import { type Match, Matcher } from './matcher.ts';
import {
  countShapelets,
  featuresOfShapelet,
  placesOf,
  type Shapelet,
  type ShapeletGroup,
  type ShapeletSet,
} from './shapelet-plan.ts';
import type { TransformOptions } from './transform-options.ts';

/** Where a shapelet stands in the features and in the matcher. */
interface Placed {
  readonly group: ShapeletGroup;
  /** The first of the group, and how many floats each needs. */
  readonly at: number;
  readonly room: number;
}

/**
 * Turns windows into features, three of each shapelet. Source: Guillaume, Vrain and Elloumi, "Random dilated shapelet transform", ICPRAI
 * 2022; distances here are Euclidean, and occurrences a share of the places that were measured.
 */
export class ShapeletTransform {
  readonly features: number;
  readonly #set: ShapeletSet;
  readonly #matcher: Matcher;
  readonly #placed: readonly Placed[];

  constructor(set: ShapeletSet) {
    this.#set = set;
    this.features = countShapelets(set) * featuresOfShapelet;
    let at = 0;
    this.#placed = set.groups.map((group) => {
      const placed = { group, at, room: Matcher.roomFor(group.length) };
      at += group.shapelets.length * placed.room;
      return placed;
    });
    this.#matcher = new Matcher(set, at);
    for (const { group, at: first, room } of this.#placed)
      for (const [index, shapelet] of group.shapelets.entries())
        this.#matcher.put(first + index * room, shapelet, group.normalised);
  }

  /** @param values - `count` windows one after the other, each channel after channel; a gap is NaN, and no place that touches it counts */
  transform(
    values: Float64Array,
    count: number,
    { into = new Float32Array(count * this.features), onWindow }: TransformOptions = {},
  ): Float32Array {
    const { channels, length } = this.#set;
    for (let window = 0, to = 0; window < count; window++) {
      this.#matcher.load(values, window * channels * length);
      for (const { group, at, room } of this.#placed) {
        const measured = this.#matcher.prepare(group);
        const write = ({ distance, place, occurrences }: Match) => {
          // Where nothing was measured: as far as what has nothing in common, in the middle.
          const isMeasured = measured > 0 && distance < Number.POSITIVE_INFINITY;
          into[to] = Math.sqrt(Math.max(0, isMeasured ? distance : 2 * group.length));
          into[to + 1] = isMeasured ? place : placesOf(this.#set, group) / 2;
          into[to + 2] = measured > 0 ? occurrences / measured : 0;
          to += featuresOfShapelet;
        };
        const shapelets = group.shapelets.length;
        for (let index = 0; index + 1 < shapelets; index += 2) this.#matcher.matchBoth(at + index * room, write);
        if (shapelets % 2 === 1) write(this.#matcher.match(at + (shapelets - 1) * room));
      }
      onWindow?.(window + 1, count);
    }
    return into;
  }
}

/** Puts shapelets together that share what is prepared of a window. */
export function groupShapelets(shapelets: readonly Shapelet[]): ShapeletGroup[] {
  const groups = new Map<string, ShapeletGroup & { shapelets: Pick<Shapelet, 'threshold' | 'values'>[] }>();
  for (const { channel, dilation, normalised, threshold, values } of shapelets) {
    const { length } = values;
    const key = [channel, dilation, normalised, length].join();
    const group = groups.get(key) ?? { channel, dilation, normalised, length, shapelets: [] };
    groups.set(key, group);
    group.shapelets.push({ threshold, values });
  }
  return [...groups.values()];
}
