import { pageBytes } from '../../numeric/arena.ts';
import type { SeriesShape } from './shape.ts';
import {
  headOfShapelet,
  instantiateShapelets,
  matchBytes,
  placesTogether,
  type ShapeletKernel,
} from './shapelet-kernel.ts';
import { placesOf, type Shapelet, type ShapeletGroup } from './shapelet-plan.ts';

const floatBytes = 4;
/** Less than this share of the largest value, a standard deviation is rounding. */
const flat = 1e-5;
const aligned = (floats: number) => Math.ceil(floats / placesTogether) * placesTogether;

/** Where a shapelet fits a window best. */
export interface Match {
  /** Squared; infinite where no place was measured. */
  distance: number;
  place: number;
  occurrences: number;
}

type Prepared = Pick<ShapeletGroup, 'channel' | 'dilation' | 'length' | 'normalised'>;

/** One window at a time, and the distances of shapelets to it. */
export class Matcher {
  readonly #shape: SeriesShape;
  readonly #stride: number;
  readonly #floats: Float32Array;
  readonly #words: Int32Array;
  readonly #kernel: ShapeletKernel;
  readonly #own: number;
  readonly #factor: number;
  readonly #out: number;
  readonly #shapelets: number;
  readonly #match: Match = { distance: 0, place: 0, occurrences: 0 };
  #group: Prepared | undefined;

  /** @param room - floats that all shapelets need, see {@link put} */
  constructor(shape: SeriesShape, room: number) {
    this.#shape = shape;
    this.#stride = aligned(shape.length) + placesTogether;
    this.#own = shape.channels * this.#stride;
    this.#factor = this.#own + this.#stride;
    this.#out = this.#factor + this.#stride;
    this.#shapelets = this.#out + this.#stride;
    const bytes = (this.#shapelets + room) * floatBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
    this.#floats = new Float32Array(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    this.#kernel = instantiateShapelets(memory);
  }

  /** Floats that a shapelet needs. */
  static roomFor(length: number): number {
    return headOfShapelet + length;
  }

  /** Keeps a shapelet at a place in the room, for {@link match}. */
  put(at: number, { values, threshold }: Pick<Shapelet, 'values' | 'threshold'>, normalised: boolean): void {
    const to = this.#shapelets + at;
    let square = 0;
    for (const value of values) square += value * value;
    this.#floats[to] = normalised ? 0 : square;
    this.#floats[to + 1] = threshold;
    this.#floats.set(values, to + headOfShapelet);
  }

  /** Takes a window over: channel after channel, from `from` on. A gap is NaN. */
  load(values: Float64Array, from: number): void {
    const { channels, length } = this.#shape;
    for (let channel = 0; channel < channels; channel++) {
      const to = channel * this.#stride;
      const at = from + channel * length;
      for (let sample = 0; sample < length; sample++) this.#floats[to + sample] = values[at + sample]!;
    }
  }

  /**
   * Prepares the window for shapelets of a group.
   * @returns places where all samples were measured
   */
  prepare(group: Prepared): number {
    this.#group = group;
    const { channel, dilation, length, normalised } = group;
    const floats = this.#floats;
    const places = placesOf(this.#shape, group);
    const samples = channel * this.#stride;
    let measured = 0;
    for (let place = 0; place < places; place++) {
      let sum = 0;
      let square = 0;
      for (let tap = 0, at = samples + place; tap < length; tap++, at += dilation) {
        const value = floats[at]!;
        sum += value;
        square += value * value;
      }
      if (!Number.isNaN(sum)) measured++;
      if (!normalised) {
        floats[this.#own + place] = square;
        floats[this.#factor + place] = 2;
        continue;
      }
      const mean = sum / length;
      const variance = square / length - mean * mean;
      const isFlat = variance <= flat * flat * (square / length);
      floats[this.#own + place] = Number.isNaN(sum) ? Number.NaN : 2 * length;
      floats[this.#factor + place] = isFlat ? 0 : 2 / Math.sqrt(variance);
    }
    floats.fill(Number.NaN, this.#own + places, this.#own + aligned(places));
    return measured;
  }

  #run(what: keyof ShapeletKernel, at: number): void {
    const group = this.#group;
    if (!group) throw new RangeError('nothing is prepared');
    const shapelet = (this.#shapelets + at) * floatBytes;
    const own = this.#own * floatBytes;
    this.#kernel[what](
      group.channel * this.#stride * floatBytes,
      own,
      this.#factor * floatBytes,
      shapelet,
      shapelet + (headOfShapelet + group.length) * floatBytes,
      group.dilation * floatBytes,
      own + placesOf(this.#shape, group) * floatBytes,
      this.#out * floatBytes,
    );
  }

  /** Where the shapelet at a place in the room fits best. Valid until the next call. */
  match(at: number): Match {
    this.#run('match', at);
    return this.#read(this.#out);
  }

  /** Where it and the one after it fit best, the samples being read once for both. */
  matchBoth(at: number, onMatch: (match: Match) => void): void {
    this.#run('matchBoth', at);
    onMatch(this.#read(this.#out));
    onMatch(this.#read(this.#out + matchBytes / floatBytes));
  }

  #read(out: number): Match {
    const [floats, match] = [this.#floats, this.#match];
    let best = 0;
    for (let part = 1; part < 4; part++) {
      const closer = floats[out + part]! - floats[out + best]!;
      if (closer < 0 || (closer === 0 && floats[out + 4 + part]! < floats[out + 4 + best]!)) best = part;
    }
    match.distance = floats[out + best]!;
    match.place = floats[out + 4 + best]!;
    match.occurrences = this.#words[out + 8]!;
    return match;
  }

  /** Squared distances at all places that were measured. */
  distances(at: number): Float32Array {
    this.#run('distances', at);
    const places = this.#group ? placesOf(this.#shape, this.#group) : 0;
    return this.#floats.slice(this.#out, this.#out + places).filter((distance) => !Number.isNaN(distance));
  }
}
