import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { GaplineError } from '../../wire/errors.ts';
import type { Rows, Table } from '../rows.ts';
import { Conditional } from './conditional.ts';
import { fitNormal } from './fit-normal.ts';
import type { Imputer, ImputerSession } from './imputer.ts';
import { type FittedScaling, fitScaling, Scaling } from './scaling.ts';
import type { TransformKind } from './schema.ts';

/** The conditional mean of a normal distribution of transformed columns, fitted. */
export interface FittedGaussian extends FittedScaling {
  /** What stands in where nothing of a row is known, by column. */
  readonly fill: number[];
  /** Of the transformed and standardised columns. */
  readonly mean: number[];
  /** Lower triangle of the inverse covariance, row by row. */
  readonly precision: number[];
  /** Plausible completions of a row for multiple imputation; 0 for the best one only. */
  readonly draws: number;
}

/** A covariance of more columns than this takes too long to learn and to load. */
const maxWidth = 1_000;

/**
 * Learns how the columns of a table, each transformed, go together.
 * @throws {GaplineError} `data-invalid` where there are too many columns.
 */
export function fitGaussian(table: Table, options: { transform: TransformKind; draws: number }): FittedGaussian {
  const { width } = table;
  if (width > maxWidth)
    throw new GaplineError('data-invalid', `the gaussian imputer takes at most ${maxWidth} fields, not ${width}`);
  const { scaling, scaled } = fitScaling(table, options.transform);
  const scale = new Scaling(scaling);
  const { mean, precision } = fitNormal(scaled);
  return {
    fill: Array.from(mean, (each, column) => positiveZero(scale.back(each, column))),
    ...scaling,
    mean: Array.from(mean, positiveZero),
    precision: lowerTriangle(precision, width),
    draws: options.draws,
  };
}

/** JSON knows no negative zero. */
const positiveZero = (value: number): number => value + 0;

function lowerTriangle(matrix: Float64Array, width: number): number[] {
  return Array.from({ length: width }, (_, row) => [...matrix.subarray(row * width, row * width + row + 1)])
    .flat()
    .map(positiveZero);
}

/** Fills gaps with their conditional mean given the rest of the row, or with draws around it. */
export function openGaussian(fitted: FittedGaussian): Imputer {
  const session = new GaussianSession(fitted);
  return { memoryMs: 0, draws: fitted.draws, open: () => session };
}

class GaussianSession implements ImputerSession {
  readonly #scaling: Scaling;
  readonly #conditional: Conditional;
  /** One row, transformed and standardised. */
  readonly #row: Float64Array;

  constructor(fitted: FittedGaussian) {
    const width = fitted.center.length;
    const precision = new Float64Array(width * width);
    for (let row = 0, at = 0; row < width; row++)
      for (let column = 0; column <= row; column++, at++) {
        precision[row * width + column] = fitted.precision[at]!;
        precision[column * width + row] = fitted.precision[at]!;
      }
    this.#scaling = new Scaling(fitted);
    this.#conditional = new Conditional({ width, mean: Float64Array.from(fitted.mean), precision });
    this.#row = new Float64Array(width);
  }

  fill(rows: Rows, into: Float64Array): undefined {
    this.#complete(rows, into, undefined);
  }

  /** Draws come in pairs that lie opposite each other around the mean, so that their average settles sooner. */
  draw(rows: Rows, number: number, into: Float64Array): void {
    this.#complete(rows, into, number);
  }

  warm(): void {}

  #complete({ count, width, values }: Rows, into: Float64Array, draw: number | undefined): void {
    into.set(values);
    for (let start = 0; start < count * width; start += width) {
      const row = this.#standardise(values, start);
      const pattern = this.#conditional.patternOf(row);
      if (!pattern) continue;
      this.#conditional.fillMean(row, pattern);
      if (draw !== undefined) {
        const normal = normalNumbers(new Xoshiro128PlusPlus(hashOf(values, start, width), draw >> 1));
        const sign = draw % 2 === 0 ? 1 : -1;
        this.#conditional.addNoise(row, pattern, () => sign * normal());
      }
      for (const column of pattern.gaps) into[start + column] = this.#scaling.back(row[column]!, column);
    }
  }

  #standardise(values: Float64Array, start: number): Float64Array {
    const row = this.#row;
    for (let column = 0; column < row.length; column++)
      row[column] = this.#scaling.there(values[start + column]!, column);
    return row;
  }
}

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** A number that only what was measured decides, so that the same row draws the same whenever it comes (FNV-1a). */
function hashOf(values: Float64Array, start: number, width: number): number {
  let hash = 0x811c9dc5;
  for (let column = 0; column < width; column++) {
    const value = values[start + column]!;
    if (Number.isNaN(value)) continue;
    float[0] = value;
    hash = Math.imul(hash ^ words[0]! ^ column, 0x01000193);
    hash = Math.imul(hash ^ words[1]!, 0x01000193);
  }
  return hash >>> 0;
}

/** Standard normal numbers (Box and Muller). */
function normalNumbers(random: Xoshiro128PlusPlus): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
}
