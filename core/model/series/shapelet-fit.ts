import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import { Matcher } from './matcher.ts';
import type { SeriesShape } from './shape.ts';
import type { Shapelet, ShapeletSet } from './shapelet-plan.ts';
import { groupShapelets } from './shapelets.ts';

export interface ShapeletOptions {
  /** At most so many. */
  readonly count: number;
  /** Samples of a shapelet; each draws one of these. */
  readonly lengths: readonly number[];
  /** Whether its samples may be further apart than the window's. */
  readonly dilated: boolean;
  readonly seed: number;
}

export const defaultShapelets = 10_000;
/** As the paper has it. */
export const defaultLengths = [11];

/** The share of shapelets that are compared without mean and scale. */
const normalisedShare = 0.8;
/** A threshold is one of these percentiles of the distances to another window of the class. */
const [leastPercentile, mostPercentile] = [0.05, 0.1];
/** A shapelet that shares more than this share of its samples with earlier ones is left out. */
const mostShared = 0.5;
/** Draws for each shapelet that is asked for; fewer are found in few short windows. */
const drawsEach = 3;

export interface ShapeletInput extends SeriesShape {
  /** Windows one after the other. */
  readonly values: Float64Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly options: ShapeletOptions;
  /** Told how many shapelets are found, and at the end that all are. */
  readonly onShapelet?: (done: number, all: number) => void;
}

/**
 * Draws shapelets from training windows, as the paper does: window, channel, length, dilation and start at random; the threshold from
 * another window of the same class.
 * @throws {RangeError} where the windows are shorter than every length
 */
export function fitShapelets(input: ShapeletInput): ShapeletSet {
  const { channels, length, options } = input;
  const { seed, count, dilated } = options;
  const lengths = options.lengths.filter((each) => each <= length);
  if (lengths.length === 0) throw new RangeError(`a window has ${length} samples, fewer than each of shapeletLengths`);
  const random = mulberry32(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const used = new Used(length);
  const thresholds = new Thresholds(input, Math.max(...lengths));
  const found: Shapelet[] = [];
  for (let drawn = 0; found.length < count && drawn < count * drawsEach; drawn++) {
    const window = below(input.count);
    const channel = below(channels);
    const size = lengths[below(lengths.length)]!;
    const most = Math.log2(Math.max(1, (length - 1) / Math.max(1, size - 1)));
    const dilation = dilated ? Math.floor(2 ** (random() * most)) : 1;
    const start = below(length - (size - 1) * dilation);
    const normalised = random() < normalisedShare;
    const values = cut(input, { window, channel, start, dilation, size, normalised });
    if (!values || !used.take([window, channel, dilation, normalised].join(), start, dilation, size)) continue;
    const drawnOne = { channel, dilation, normalised, values };
    found.push({ ...drawnOne, threshold: thresholds.of(drawnOne, window, random) });
    input.onShapelet?.(found.length, count);
  }
  if (found.length === 0)
    throw new RangeError('no window has a stretch without gaps that a shapelet could be cut from');
  // Few short windows hold fewer: that is no less than all.
  if (found.length < count) input.onShapelet?.(found.length, found.length);
  return { channels, length, groups: groupShapelets(found) };
}

interface Cut {
  readonly window: number;
  readonly channel: number;
  readonly start: number;
  readonly dilation: number;
  readonly size: number;
  readonly normalised: boolean;
}

/** Samples of a window; undefined where one is missing, or all are alike and have no scale. */
function cut(
  { values, channels, length }: ShapeletInput,
  { window, channel, start, dilation, size, normalised }: Cut,
): Float32Array | undefined {
  const from = (window * channels + channel) * length + start;
  const samples = Float64Array.from({ length: size }, (_, tap) => values[from + tap * dilation]!);
  let sum = 0;
  for (const value of samples) sum += value;
  if (Number.isNaN(sum)) return undefined;
  if (!normalised) return Float32Array.from(samples);
  const mean = sum / size;
  const scale = Math.sqrt(samples.reduce((power, value) => power + (value - mean) ** 2, 0) / size);
  if (scale < 1e-6 * Math.max(1, Math.abs(mean))) return undefined;
  return Float32Array.from(samples, (value) => (value - mean) / scale);
}

/** Which samples earlier shapelets of the same window, channel, dilation and kind have taken. */
class Used {
  readonly #length: number;
  readonly #taken = new Map<string, Uint8Array>();

  constructor(length: number) {
    this.#length = length;
  }

  take(key: string, start: number, dilation: number, size: number): boolean {
    const taken = this.#taken.get(key) ?? new Uint8Array(this.#length);
    this.#taken.set(key, taken);
    let shared = 0;
    for (let tap = 0; tap < size; tap++) shared += taken[start + tap * dilation]!;
    if (shared > size * mostShared) return false;
    for (let tap = 0; tap < size; tap++) taken[start + tap * dilation] = 1;
    return true;
  }
}

/** Percentiles of the distances between a shapelet and another window of its class. */
class Thresholds {
  readonly #input: ShapeletInput;
  readonly #matcher: Matcher;
  readonly #byClass: number[][] = [];

  constructor(input: ShapeletInput, longest: number) {
    this.#input = input;
    this.#matcher = new Matcher(input, Matcher.roomFor(longest));
    for (let row = 0; row < input.count; row++) {
      const label = input.labels[row]!;
      this.#byClass[label] ??= [];
      this.#byClass[label]?.push(row);
    }
  }

  of(shapelet: Omit<Shapelet, 'threshold'>, window: number, random: () => number): number {
    const { channels, length, values, labels } = this.#input;
    const alike = this.#byClass[labels[window]!]!;
    const other = alike[Math.floor(random() * alike.length)]!;
    this.#matcher.load(values, other * channels * length);
    this.#matcher.prepare({ ...shapelet, length: shapelet.values.length });
    this.#matcher.put(0, { ...shapelet, threshold: 0 }, shapelet.normalised);
    const distances = this.#matcher.distances(0).sort();
    const share = leastPercentile + random() * (mostPercentile - leastPercentile);
    return distances[Math.floor(share * distances.length)] ?? 0;
  }
}
