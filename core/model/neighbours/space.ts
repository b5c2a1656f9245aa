import { Arena, bytesOf, sharedMemory } from '../../numeric/arena.ts';
import { type FittedScaling, Scaling } from '../impute/scaling.ts';
import type { FittedTransform } from '../impute/schema.ts';
import { instantiateProducts, type ProductKernel, together } from './kernel.ts';

/** Rows that votes come from; they have no gaps. */
export interface ReferenceSet {
  readonly count: number;
  readonly width: number;
  /** Length `count * width`, row-major. */
  readonly values: Float64Array;
  /** Index of the class by row. */
  readonly labels: Int32Array;
}

/** Values further from their mean than this many standard deviations are clipped. */
const furthest = 4;

const roundedTo = (step: number, number: number): number => Math.ceil(number / step) * step;

/**
 * Measures how far rows with gaps lie from references, over what was measured of them.
 *
 * Each field has two coordinates: its value, on the field's scale, and whether it is above the least one (counts and shares are
 * often zero). With a weight by coordinate the squared distance is
 *
 *     sum over measured fields of  w (u - u')^2 + w' (p - p')^2  =  sum of  w u^2 + w' p  -  2 w u u' + w u'^2 + w' (1 - 2 p) p'
 *
 * as p is 0 or 1: a product of factors of the query with three planes of the references, u', p' and u'^2.
 */
export class Space {
  readonly references: ReferenceSet;
  readonly #scaling: Scaling;
  readonly #least: readonly number[];
  readonly #kernel: ProductKernel;
  readonly #planes: number;
  readonly #length: number;
  /** By query, of length `planes`. */
  readonly #factors: Float32Array;
  /** By query, of length `length`. */
  readonly #distances: Float32Array;
  /** By query: the term that all its squared distances share. */
  readonly #bases: Float64Array;
  /** By query: its coordinates, `2 * width`; the first is NaN where a field was not measured. */
  readonly #coordinates: Float64Array;
  /** By query: the share of fields that were measured. */
  readonly known: Float64Array;
  /** How many queries are measured together. */
  readonly queries: number;

  constructor(references: ReferenceSet, fitted: FittedScaling, queries: number) {
    const { count, width } = references;
    this.references = references;
    this.queries = roundedTo(together, queries);
    this.#scaling = new Scaling(fitted);
    this.#least = fitted.transforms.map(leastOf);
    this.#planes = roundedTo(together, 3 * width);
    this.#length = roundedTo(together * together, count);
    const sizes = [this.#planes * this.#length, this.queries * this.#planes, this.queries * this.#length] as const;
    const memory = sharedMemory(bytesOf(...sizes.map((size) => [Float32Array, size] as const)));
    const arena = new Arena(memory, 0);
    const planes = arena.take(Float32Array, sizes[0]);
    this.#factors = arena.take(Float32Array, sizes[1]);
    this.#distances = arena.take(Float32Array, sizes[2]);
    this.#bases = new Float64Array(this.queries);
    this.#coordinates = new Float64Array(this.queries * 2 * width);
    this.known = new Float64Array(this.queries);
    this.#kernel = instantiateProducts(memory, this.#planes, this.#length);
    this.#writePlanes(planes);
  }

  #writePlanes(planes: Float32Array): void {
    const { count, width, values } = this.references;
    const length = this.#length;
    for (let row = 0; row < count; row++) {
      for (let field = 0; field < width; field++) {
        const value = values[row * width + field]!;
        const coordinate = this.#coordinate(value, field);
        planes[field * length + row] = coordinate;
        planes[(width + field) * length + row] = this.#aboveLeast(value, field);
        planes[(2 * width + field) * length + row] = coordinate * coordinate;
      }
    }
  }

  #coordinate(value: number, field: number): number {
    // As the planes keep it, so that a row lies at no distance from itself.
    return Math.fround(Math.min(furthest, Math.max(-furthest, this.#scaling.there(value, field))));
  }

  #aboveLeast(value: number, field: number): number {
    return value > this.#least[field]! ? 1 : 0;
  }

  /** Makes a row of `values`, which may have gaps, one of the queries. */
  setQuery(query: number, values: Float64Array, start: number, weights: Float64Array): void {
    const { width } = this.references;
    const coordinates = this.#coordinatesOf(query);
    const factors = this.#factorsOf(query).fill(0);
    let base = 0;
    let measured = 0;
    for (let field = 0; field < width; field++) {
      const value = values[start + field]!;
      coordinates[field] = Number.NaN;
      if (Number.isNaN(value)) continue;
      const coordinate = this.#coordinate(value, field);
      const above = this.#aboveLeast(value, field);
      const byValue = weights[field]!;
      const byAbove = weights[width + field]!;
      coordinates[field] = coordinate;
      coordinates[width + field] = above;
      factors[field] = -2 * byValue * coordinate;
      factors[width + field] = byAbove * (1 - 2 * above);
      factors[2 * width + field] = byValue;
      base += byValue * coordinate * coordinate + byAbove * above;
      measured += 1;
    }
    this.#bases[query] = base;
    this.known[query] = measured / width;
  }

  /**
   * The squared distances of the first queries from all references, less what {@link baseOf} returns. A query's are overwritten by
   * the next call, and may be by the caller.
   */
  measure(queries: number): void {
    for (let query = 0; query < queries; query += together)
      this.#kernel.weigh(this.#factorsOf(query).byteOffset, this.distancesOf(query).byteOffset);
  }

  /** By reference, of one query. Longer than there are references. */
  distancesOf(query: number): Float32Array {
    return this.#distances.subarray(query * this.#length, (query + 1) * this.#length);
  }

  baseOf(query: number): number {
    return this.#bases[query]!;
  }

  /**
   * The caller has written the gradient in each squared distance into {@link distancesOf}: adds the gradient in each weight, summed over
   * the first queries. Their factors are lost.
   */
  addGradients(queries: number, gradients: Float64Array): void {
    const { width, count } = this.references;
    for (let query = 0; query < queries; query += together)
      this.#kernel.gather(this.distancesOf(query).byteOffset, this.#factorsOf(query).byteOffset);
    for (let query = 0; query < queries; query++) {
      const sums = this.#factorsOf(query);
      const coordinates = this.#coordinatesOf(query);
      const byDistance = this.distancesOf(query);
      let whole = 0;
      for (let reference = 0; reference < count; reference++) whole += byDistance[reference]!;
      for (let field = 0; field < width; field++) {
        const coordinate = coordinates[field]!;
        const above = coordinates[width + field]!;
        if (Number.isNaN(coordinate)) continue;
        gradients[field]! += coordinate * coordinate * whole - 2 * coordinate * sums[field]! + sums[2 * width + field]!;
        gradients[width + field]! += above * whole + (1 - 2 * above) * sums[width + field]!;
      }
    }
  }

  /** Of one query, of length `planes`. */
  #factorsOf(query: number): Float32Array {
    return this.#factors.subarray(query * this.#planes, (query + 1) * this.#planes);
  }

  /** Of one query, `2 * width`. */
  #coordinatesOf(query: number): Float64Array {
    const count = 2 * this.references.width;
    return this.#coordinates.subarray(query * count, (query + 1) * count);
  }
}

const leastOf = (transform: FittedTransform): number =>
  transform.kind === 'quantile' ? transform.from[0]! : transform.min;
