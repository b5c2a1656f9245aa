import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { Conditional } from './conditional.ts';
import { fitNormal } from './fit-normal.ts';
import { fitGaussian, openGaussian } from './gaussian.ts';
import { fitTransforms, normalQuantile, openTransform } from './transform.ts';

const gap = Number.NaN;

/** Standard normal numbers, the same each time. */
function normals(seed: number): () => number {
  const random = new Xoshiro128PlusPlus(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
}

/** Rows whose covariance is `factor · factorᵀ`. */
function correlatedRows(factor: Matrix, count: number, seed: number): Float64Array {
  const normal = normals(seed);
  const width = factor.rows;
  const values = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    const noise = Matrix.columnVector(Array.from({ length: width }, normal));
    values.set(factor.mmul(noise).to1DArray(), row * width);
  }
  return values;
}

const factor = new Matrix([
  [1, 0, 0, 0],
  [0.8, 0.6, 0, 0],
  [-0.5, 0.3, 0.8, 0],
  [0.1, 0.7, 0.2, 0.6],
]);
const covariance = factor.mmul(factor.transpose());
const precision = Float64Array.from(new CholeskyDecomposition(covariance).solve(Matrix.eye(4)).to1DArray());
// Rounding must not make it asymmetric.
for (let row = 0; row < 4; row++)
  for (let column = 0; column < row; column++) precision[column * 4 + row] = precision[row * 4 + column]!;
const mean = Float64Array.of(1, -2, 0.5, 3);

/** The textbook's way, over the covariance of what is known: mean[m] + C[m,k] C[k,k]⁻¹ (x[k] - mean[k]). */
function textbook(row: readonly number[]) {
  const missing = row.flatMap((value, at) => (Number.isNaN(value) ? [at] : []));
  const known = row.flatMap((value, at) => (Number.isNaN(value) ? [] : [at]));
  const cross = covariance.selection(missing, known);
  const inverse = new CholeskyDecomposition(covariance.selection(known, known)).solve(Matrix.eye(known.length));
  const offset = Matrix.columnVector(known.map((at) => row[at]! - mean[at]!));
  const shift = cross.mmul(inverse).mmul(offset).to1DArray();
  const spread = Matrix.sub(covariance.selection(missing, missing), cross.mmul(inverse).mmul(cross.transpose()));
  return { filled: missing.map((at, index) => mean[at]! + shift[index]!), spread: spread.to1DArray() };
}

describe('the conditional distribution', () => {
  const conditional = new Conditional({ width: 4, mean, precision });

  it.each([[[2, gap, 1, 0]], [[gap, 0, gap, 1]], [[gap, gap, gap, 5]]])('of %j is the textbook one', (known) => {
    const row = Float64Array.from(known);
    const pattern = conditional.patternOf(row)!;
    conditional.fillMean(row, pattern);
    const { filled, spread } = textbook(known);
    for (const [index, column] of pattern.gaps.entries()) expect(row[column]).toBeCloseTo(filled[index]!, 10);
    for (const [at, value] of conditional.covariance(pattern).entries()) expect(value).toBeCloseTo(spread[at]!, 10);
  });

  it('of a row of nothing but gaps is the mean', () => {
    const row = new Float64Array(4).fill(gap);
    conditional.fillMean(row, conditional.patternOf(row)!);
    row.forEach((value, at) => void expect(value).toBeCloseTo(mean[at]!, 12));
  });

  it('has draws with its mean and covariance', () => {
    const row = Float64Array.of(gap, 0, gap, 1);
    const pattern = conditional.patternOf(row)!;
    conditional.fillMean(row, pattern);
    const normal = normals(3);
    const draws = Array.from({ length: 20_000 }, () => {
      const drawn = row.slice();
      conditional.addNoise(drawn, pattern, normal);
      return [drawn[0]! - row[0]!, drawn[2]! - row[2]!] as const;
    });
    const { spread } = textbook([gap, 0, gap, 1]);
    const average = (of: (draw: readonly [number, number]) => number) =>
      draws.reduce((sum, draw) => sum + of(draw), 0) / draws.length;
    expect(average(([a]) => a)).toBeCloseTo(0, 1);
    expect(average(([a]) => a * a)).toBeCloseTo(spread[0]!, 1);
    expect(average(([a, b]) => a * b)).toBeCloseTo(spread[1]!, 1);
    expect(average(([, b]) => b * b)).toBeCloseTo(spread[3]!, 1);
  });
});

describe('learning a normal distribution', () => {
  it('finds the covariance, with a third of the values missing too', () => {
    const count = 3_000;
    const values = correlatedRows(factor, count, 5);
    const random = new Xoshiro128PlusPlus(6);
    const gappy = values.map((value) => (random.fraction() < 0.33 ? gap : value));
    for (const rows of [values, gappy]) {
      const normal = fitNormal({ count, width: 4, values: rows });
      const inverse = new Matrix(4, 4);
      for (let at = 0; at < 16; at++) inverse.set(at >> 2, at & 3, normal.precision[at]!);
      const found = new CholeskyDecomposition(inverse).solve(Matrix.eye(4));
      for (let row = 0; row < 4; row++)
        for (let column = 0; column < 4; column++) {
          expect(Math.abs(found.get(row, column) - covariance.get(row, column))).toBeLessThan(0.08);
        }
    }
  });

  it('copes with constant columns, twins, and columns that were never measured', () => {
    const rows = Array.from({ length: 50 }, (_, row) => [row, row, 7, gap, row % 5 === 0 ? gap : -row]);
    const table = { count: 50, width: 5, values: Float64Array.from(rows.flat()) };
    const session = openGaussian(fitGaussian(table, { transform: 'none', draws: 0 })).open();
    const into = new Float64Array(5);
    const row = Float64Array.of(gap, 20, gap, gap, gap);
    session.fill({ count: 1, width: 5, values: row, devices: ['d'], times: new BigInt64Array(1) }, into);
    expect(into[0]).toBeCloseTo(20, 0);
    expect([into[1], into[2], into[3]]).toEqual([20, 7, 0]);
    expect(into[4]).toBeCloseTo(-20, 0);
  });

  it('refuses more columns than it can hold', () => {
    const table = { count: 1, width: 1_001, values: new Float64Array(1_001) };
    expect(() => fitGaussian(table, { transform: 'none', draws: 0 })).toThrow(/at most 1000 fields, not 1001/);
  });
});

describe.each(['none', 'log1p', 'quantile'] as const)('transform %s', (kind) => {
  const normal = normals(9);
  const values = Float64Array.from({ length: 500 }, (_, at) => (at % 3 === 0 ? 0 : Math.exp(normal() * 2)));
  const transform = openTransform(fitTransforms({ count: 500, width: 1, values }, kind)[0]!);

  it('keeps the order, and goes back where it came from', () => {
    const sorted = values.slice().sort();
    sorted.forEach((value, at) => {
      const there = transform.there(value);
      if (at > 0) expect(there).toBeGreaterThanOrEqual(transform.there(sorted[at - 1]!));
      expect(transform.back(there)).toBeCloseTo(value, kind === 'quantile' ? 4 : 8);
    });
  });

  it('never goes back beyond the training data', () => {
    for (const far of [-1e9, 1e9]) {
      expect(transform.back(far)).toBeGreaterThanOrEqual(values.reduce((a, b) => Math.min(a, b)));
      expect(transform.back(far)).toBeLessThanOrEqual(values.reduce((a, b) => Math.max(a, b)));
      expect(Number.isFinite(transform.there(far))).toBe(true);
    }
  });
});

it.each([
  [0.5, 0],
  [0.975, 1.959963984540054],
  [0.001, -3.090232306167813],
  [0.9999, 3.719016485455709],
])('the normal quantile of %f is %f', (p, expected) => {
  expect(normalQuantile(p)).toBeCloseTo(expected, 7);
});
