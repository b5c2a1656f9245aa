import type { SeriesShape } from './shape.ts';

/** Some samples of a window of the training data, `dilation` apart, that other windows are searched for. */
export interface Shapelet {
  readonly channel: number;
  readonly dilation: number;
  /** Whether mean and scale are taken off, of the shapelet and of what it is compared with. */
  readonly normalised: boolean;
  /** A place with a squared distance below this counts as an occurrence. */
  readonly threshold: number;
  readonly values: Float32Array;
}

/** Shapelets that share what is prepared of a window: channel, dilation, normalisation and length. */
export interface ShapeletGroup extends Pick<Shapelet, 'channel' | 'dilation' | 'normalised'> {
  readonly length: number;
  readonly shapelets: readonly Pick<Shapelet, 'threshold' | 'values'>[];
}

export interface ShapeletSet extends SeriesShape {
  readonly groups: readonly ShapeletGroup[];
}

/** Of each shapelet: the root of the least squared distance, its place, and the share of places that are occurrences. */
export const featuresOfShapelet = 3;

export const countShapelets = ({ groups }: ShapeletSet): number =>
  groups.reduce((sum, { shapelets }) => sum + shapelets.length, 0);

/** How many places a shapelet has in a window. */
export const placesOf = (
  { length }: SeriesShape,
  group: { readonly dilation: number; readonly length: number },
): number => length - (group.length - 1) * group.dilation;
