import { expect, test } from 'vitest';
import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import fixtures from './fixtures/ridge.json' with { type: 'json' };
import { fitRidge, type RidgeInput } from './ridge.ts';

const inputOf = ({ values, labels, classes }: (typeof fixtures.cases)[number]): RidgeInput => ({
  values: Float64Array.from(values.flat()),
  count: values.length,
  width: values[0]?.length ?? 0,
  labels: Int32Array.from(labels),
  classes,
});

test.each(fixtures.cases)("alpha and coefficients are those of scikit-learn's RidgeClassifierCV: $name", (wanted) => {
  const { alpha, coefficients, intercepts } = fitRidge(inputOf(wanted));
  expect(alpha).toBeCloseTo(wanted.alpha, 9);
  for (const [at, value] of wanted.coefficients.flat().entries()) expect(coefficients[at]).toBeCloseTo(value, 9);
  for (const [at, value] of wanted.intercepts.entries()) expect(intercepts[at]).toBeCloseTo(value, 8);
});

test.each(fixtures.cases)('a weight counts as so many rows: $name', (wanted) => {
  const input = inputOf(wanted);
  const { values, count, width, labels, classes } = input;
  const weights = Array.from({ length: classes }, (_, index) => index + 1);
  const rows = Array.from(labels, (label, row) => new Array<number>(label + 1).fill(row)).flat();
  const repeated = {
    values: Float64Array.from(rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)])),
    count: rows.length,
    labels: Int32Array.from(rows, (row) => labels[row] ?? 0),
  };
  const alphas = [10];
  const weighted = fitRidge({ ...input, classWeights: weights, alphas });
  const expected = fitRidge({ ...repeated, width, classes, alphas });
  expect(rows.length).toBeGreaterThan(count);
  for (const [at, value] of expected.coefficients.entries()) expect(weighted.coefficients[at]).toBeCloseTo(value, 8);
});

test('with more rows than are decomposed the coefficients are those of the same alpha, solved step by step', () => {
  const [, wide] = fixtures.cases;
  if (!wide) throw new Error('no case');
  const alphas = [30];
  const whole = fitRidge({ ...inputOf(wide), alphas });
  const stepwise = fitRidge({ ...inputOf(wide), alphas, mostFactored: 10 });
  for (const [at, value] of whole.coefficients.entries()) expect(stepwise.coefficients[at]).toBeCloseTo(value, 5);
});

test('single precision is enough', () => {
  const [wanted] = fixtures.cases;
  if (!wanted) throw new Error('no case');
  const input = inputOf(wanted);
  const { coefficients } = fitRidge({ ...input, values: Float32Array.from(input.values) });
  for (const [at, value] of wanted.coefficients.flat().entries()) expect(coefficients[at]).toBeCloseTo(value, 4);
});

test('scores of pure noise are near even odds, those of a clear case are not', () => {
  const random = mulberry32(5);
  const count = 300;
  const labels = Int32Array.from({ length: count }, (_, row) => row % 2);
  const noise = Float64Array.from({ length: count * 4 }, () => random());
  const clear = noise.map((value, at) => value + (labels[Math.floor(at / 4)] ?? 0) * 3);
  const surest = (values: Float64Array) => {
    const { temperature, coefficients, intercepts } = fitRidge({ values, count, width: 4, labels, classes: 2 });
    const score = (row: number) =>
      [...coefficients].reduce((sum, each, at) => sum + each * (values[row * 4 + at] ?? 0), intercepts[0] ?? 0);
    return Math.max(...Array.from({ length: count }, (_, row) => 1 / (1 + Math.exp(-2 * temperature * score(row)))));
  };
  expect(surest(noise)).toBeLessThan(0.65);
  expect(surest(clear)).toBeGreaterThan(0.97);
});
