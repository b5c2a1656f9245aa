import { Arena, bytesOf, sharedMemory } from '../../numeric/arena.ts';
import { type FittedScaling, Scaling } from '../impute/scaling.ts';
import type { FittedTransform } from '../impute/schema.ts';
import { instantiateProducts, type ProductKernel, together } from './kernel.ts';

/** Rows that are looked at for likeness, whole: no gaps. */
export interface References {
  readonly count: number;
  readonly width: number;
  /** Length `count * width`, row-major. */
  readonly values: Float64Array;
  /** Index of the class by row. */
  readonly labels: Int32Array;
}

/** No value counts as further from its mean, in standard deviations. */
const furthest = 4;

const roundedTo = (step: number, number: number): number => Math.ceil(number / step) * step;

/**
 * Measures how far rows with gaps lie from references, over what was measured of them.
 *
 * Each field has two coordinates: its value, on the field's scale, and whether it is above the least one (counts and shares are
 * often just zero). With a weight by coordinate the squared distance is
 *
 *     sum over measured fields of  w (u - u')^2 + w' (p - p')^2  =  sum of  w u^2 + w' p  -  2 w u u' + w u'^2 + w' (1 - 2 p) p'
 *
 * as p is 0 or 1: a product of factors of the question with three planes of the references, u', p' and u'^2.
 */
export class Space {
  readonly references: References;
  readonly #scaling: Scaling;
  readonly #least: readonly number[];
  readonly #kernel: ProductKernel;
  readonly #planes: number;
  readonly #length: number;
  /** By question, of length `planes`. */
  readonly #factors: Float32Array;
  /** By question, of length `length`. */
  readonly #distances: Float32Array;
  /** By question: what its squared distances have in common. */
  readonly #bases: Float64Array;
  /** By question: its coordinates, `2 * width`; the first is NaN where a field was not measured. */
  readonly #coordinates: Float64Array;
  /** By question: the share of fields that were measured. */
  readonly known: Float64Array;
  /** How many questions are measured together. */
  readonly questions: number;

  constructor(references: References, fitted: FittedScaling, questions: number) {
    const { count, width } = references;
    this.references = references;
    this.questions = roundedTo(together, questions);
    this.#scaling = new Scaling(fitted);
    this.#least = fitted.transforms.map(leastOf);
    this.#planes = roundedTo(together, 3 * width);
    this.#length = roundedTo(together * together, count);
    const sizes = [this.#planes * this.#length, this.questions * this.#planes, this.questions * this.#length] as const;
    const memory = sharedMemory(bytesOf(...sizes.map((size) => [Float32Array, size] as const)));
    const arena = new Arena(memory, 0);
    const planes = arena.take(Float32Array, sizes[0]);
    this.#factors = arena.take(Float32Array, sizes[1]);
    this.#distances = arena.take(Float32Array, sizes[2]);
    this.#bases = new Float64Array(this.questions);
    this.#coordinates = new Float64Array(this.questions * 2 * width);
    this.known = new Float64Array(this.questions);
    this.#kernel = instantiateProducts(memory, this.#planes, this.#length);
    this.#placeReferences(planes);
  }

  #placeReferences(planes: Float32Array): void {
    const { count, width, values } = this.references;
    const length = this.#length;
    for (let row = 0; row < count; row++) {
      for (let field = 0; field < width; field++) {
        const value = values[row * width + field]!;
        const place = this.#place(value, field);
        planes[field * length + row] = place;
        planes[(width + field) * length + row] = this.#isAbove(value, field);
        planes[(2 * width + field) * length + row] = place * place;
      }
    }
  }

  #place(value: number, field: number): number {
    // As the planes keep it, so that a row lies at no distance from itself.
    return Math.fround(Math.min(furthest, Math.max(-furthest, this.#scaling.there(value, field))));
  }

  #isAbove(value: number, field: number): number {
    return value > this.#least[field]! ? 1 : 0;
  }

  /** Takes a row of `values`, which may have gaps, as one of the questions. */
  ask(question: number, values: Float64Array, start: number, weights: Float64Array): void {
    const { width } = this.references;
    const coordinates = this.#coordinatesOf(question);
    const factors = this.#factorsOf(question).fill(0);
    let base = 0;
    let measured = 0;
    for (let field = 0; field < width; field++) {
      const value = values[start + field]!;
      coordinates[field] = Number.NaN;
      if (Number.isNaN(value)) continue;
      const place = this.#place(value, field);
      const above = this.#isAbove(value, field);
      const byPlace = weights[field]!;
      const byAbove = weights[width + field]!;
      coordinates[field] = place;
      coordinates[width + field] = above;
      factors[field] = -2 * byPlace * place;
      factors[width + field] = byAbove * (1 - 2 * above);
      factors[2 * width + field] = byPlace;
      base += byPlace * place * place + byAbove * above;
      measured += 1;
    }
    this.#bases[question] = base;
    this.known[question] = measured / width;
  }

  /**
   * The squared distances of the first questions from all references, less what {@link baseOf} says. A question's are overwritten by
   * the next call, and may be by the caller.
   */
  measure(questions: number): void {
    for (let question = 0; question < questions; question += together)
      this.#kernel.weigh(this.#factorsOf(question).byteOffset, this.distancesOf(question).byteOffset);
  }

  /** By reference, of one question. Longer than there are references. */
  distancesOf(question: number): Float32Array {
    return this.#distances.subarray(question * this.#length, (question + 1) * this.#length);
  }

  baseOf(question: number): number {
    return this.#bases[question]!;
  }

  /**
   * Where the caller wrote in {@link distancesOf} how much something changes with each squared distance: adds up how much it changes
   * with each weight, over the first questions. Their factors are lost.
   */
  addSlopes(questions: number, slopes: Float64Array): void {
    const { width, count } = this.references;
    for (let question = 0; question < questions; question += together)
      this.#kernel.gather(this.distancesOf(question).byteOffset, this.#factorsOf(question).byteOffset);
    for (let question = 0; question < questions; question++) {
      const sums = this.#factorsOf(question);
      const coordinates = this.#coordinatesOf(question);
      const changes = this.distancesOf(question);
      let whole = 0;
      for (let reference = 0; reference < count; reference++) whole += changes[reference]!;
      for (let field = 0; field < width; field++) {
        const place = coordinates[field]!;
        const above = coordinates[width + field]!;
        if (Number.isNaN(place)) continue;
        slopes[field]! += place * place * whole - 2 * place * sums[field]! + sums[2 * width + field]!;
        slopes[width + field]! += above * whole + (1 - 2 * above) * sums[width + field]!;
      }
    }
  }

  /** Of one question, of length `planes`. */
  #factorsOf(question: number): Float32Array {
    return this.#factors.subarray(question * this.#planes, (question + 1) * this.#planes);
  }

  /** Of one question, `2 * width`. */
  #coordinatesOf(question: number): Float64Array {
    const count = 2 * this.references.width;
    return this.#coordinates.subarray(question * count, (question + 1) * count);
  }
}

const leastOf = (transform: FittedTransform): number =>
  transform.kind === 'quantile' ? transform.from[0]! : transform.min;
