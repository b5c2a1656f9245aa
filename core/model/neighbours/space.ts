import type { FittedScaling } from '../impute/scaling.ts';
import { Scaling } from '../impute/scaling.ts';
import type { FittedTransform } from '../impute/transform.ts';
import { instantiateProducts, type ProductKernel, questionsAtOnce, together } from './kernel.ts';

/** Rows that are looked at for likeness, whole: no gaps. */
export interface References {
  readonly count: number;
  readonly width: number;
  /** Length `count * width`, row-major. */
  readonly values: Float64Array;
  /** Index of the class by row. */
  readonly labels: Int32Array;
}

const floatBytes = 4;
const pageBytes = 65_536;
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
  /** By question: its coordinates, `2 * width`; NaN where a field was not measured. */
  readonly #coordinates: Float64Array;
  /** By question: the share of fields that were measured. */
  readonly known: Float64Array;
  /** How many questions are measured together. */
  readonly questions: number;

  constructor(references: References, fitted: FittedScaling, questions: number) {
    const { count, width } = references;
    this.references = references;
    this.questions = roundedTo(questionsAtOnce, questions);
    this.#scaling = new Scaling(fitted);
    this.#least = fitted.transforms.map(leastOf);
    this.#planes = roundedTo(together, 3 * width);
    this.#length = roundedTo(together * together, count);
    const sizes = [this.#planes * this.#length, this.questions * this.#planes, this.questions * this.#length] as const;
    const bytes = (sizes[0] + sizes[1] + sizes[2]) * floatBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
    const planes = new Float32Array(memory.buffer, 0, sizes[0]);
    this.#factors = new Float32Array(memory.buffer, planes.byteLength, sizes[1]);
    this.#distances = new Float32Array(memory.buffer, planes.byteLength + this.#factors.byteLength, sizes[2]);
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
    const coordinates = this.#coordinates.subarray(question * 2 * width, (question + 1) * 2 * width);
    const factors = this.#factors.subarray(question * this.#planes, (question + 1) * this.#planes);
    let base = 0;
    let measured = 0;
    for (let field = 0; field < width; field++) {
      const value = values[start + field]!;
      const gap = Number.isNaN(value);
      const place = gap ? Number.NaN : this.#place(value, field);
      const above = gap ? Number.NaN : this.#isAbove(value, field);
      const [byPlace, byAbove] = gap ? [0, 0] : [weights[field]!, weights[width + field]!];
      coordinates[field] = place;
      coordinates[width + field] = above;
      factors[field] = gap ? 0 : -2 * byPlace * place;
      factors[width + field] = gap ? 0 : byAbove * (1 - 2 * above);
      factors[2 * width + field] = byPlace;
      if (gap) continue;
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
    for (let question = 0; question < questions; question += questionsAtOnce)
      this.#kernel.weigh(this.#addressOfFactors(question), this.#addressOfDistances(question));
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
    for (let question = 0; question < questions; question += questionsAtOnce)
      this.#kernel.gather(this.#addressOfDistances(question), this.#addressOfFactors(question));
    for (let question = 0; question < questions; question++) {
      const sums = this.#factors.subarray(question * this.#planes, (question + 1) * this.#planes);
      const coordinates = this.#coordinates.subarray(question * 2 * width, (question + 1) * 2 * width);
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

  #addressOfFactors(question: number): number {
    return this.#factors.byteOffset + question * this.#planes * floatBytes;
  }

  #addressOfDistances(question: number): number {
    return this.#distances.byteOffset + question * this.#length * floatBytes;
  }
}

const leastOf = (transform: FittedTransform): number =>
  transform.kind === 'quantile' ? transform.from[0]! : transform.min;
