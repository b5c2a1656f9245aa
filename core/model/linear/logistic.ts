import { z } from 'zod';
import { argmax } from '../../numeric/argmax.ts';
import { elementAt } from '../../numeric/element.ts';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';
import { probabilitiesOf } from './calibrate.ts';

/** By which a file of a logistic model is known. */
export const logisticKind = 'logistic';

const finite = z.number();
const name = z.string().min(1);

/** A logistic model as a person writes it: small, and made anywhere. */
export const logisticSchema = z.strictObject({
  kind: z.literal(logisticKind),
  fields: z.array(name).min(1).describe('the columns that the coefficients are of, in their order'),
  classes: z.array(name).min(2).describe('the labels; of two, the probability that is computed is that of the second'),
  coefficients: z
    .union([z.array(finite), z.array(z.array(finite))], {
      error: 'expected a list of numbers, or a list of such lists',
    })
    .describe('of two classes one number a field; of more a list a class'),
  intercept: z
    .union([finite, z.array(finite)], { error: 'expected a number, or a list of numbers' })
    .describe('of two classes a number; of more one a class'),
});

export type LogisticFile = z.infer<typeof logisticSchema>;

/** A logistic model, its coefficients in the order of the columns that it will be given. */
export interface Logistic {
  readonly width: number;
  readonly classes: number;
  /** By score and column; of two classes there is one score. */
  readonly coefficients: Float64Array;
  readonly intercepts: Float64Array;
}

/**
 * Reads a logistic model.
 * @param columns - of the rows that it will be given; they may stand in another order than its fields
 * @throws {GaplineError} `model-invalid`, naming what is wrong
 */
export function readLogistic(json: unknown, columns: readonly string[], classes: readonly string[]): Logistic {
  const file = parseLogistic(json);
  if (JSON.stringify(file.classes) !== JSON.stringify(classes))
    throw invalid(`classes: they are ${file.classes.join(', ')}; the model has ${classes.join(', ')}`);
  const missing = columns.find((column) => !file.fields.includes(column));
  if (missing !== undefined) throw invalid(`fields: there is no coefficient for ${JSON.stringify(missing)}`);
  const strange = file.fields.find((field) => !columns.includes(field));
  if (strange !== undefined)
    throw invalid(`fields: the rows have no ${JSON.stringify(strange)}; they have ${columns.join(', ')}`);
  const { rows, intercepts } = scoresIn(file);
  const places = columns.map((column) => file.fields.indexOf(column));
  return {
    width: columns.length,
    classes: classes.length,
    intercepts: Float64Array.from(intercepts),
    coefficients: Float64Array.from(rows.flatMap((row) => places.map((place) => elementAt(row, place)))),
  };
}

/**
 * Checks a file by itself.
 * @throws {GaplineError} `model-invalid`, naming what is wrong
 */
export function parseLogistic(json: unknown): LogisticFile {
  const { data, error } = validate(logisticSchema, json);
  if (!data) throw invalid(firstIssue(error));
  for (const key of ['fields', 'classes'] as const)
    if (new Set(data[key]).size < data[key].length) throw invalid(`${key}: a name stands there twice`);
  const { rows, intercepts } = scoresIn(data);
  const scores = data.classes.length === 2 ? 1 : data.classes.length;
  if (rows.length !== scores)
    throw invalid(`coefficients: ${rows.length} lists; ${data.classes.length} classes need ${scores}`);
  if (intercepts.length !== scores)
    throw invalid(`intercept: ${intercepts.length} numbers; ${data.classes.length} classes need ${scores}`);
  const misfit = rows.find((row) => row.length !== data.fields.length);
  if (misfit) throw invalid(`coefficients: ${misfit.length} numbers for ${data.fields.length} fields`);
  return data;
}

function scoresIn({ coefficients, intercept }: LogisticFile) {
  const nested = coefficients.filter((one) => typeof one !== 'number');
  const rows = nested.length > 0 ? nested : [coefficients.filter((one) => typeof one === 'number')];
  return { rows, intercepts: typeof intercept === 'number' ? [intercept] : intercept };
}

/**
 * Labels and probabilities of rows without gaps. Of two classes the probability of the second is 1 / (1 + exp(-score)); of more,
 * probabilities are the softmax of the scores (McCullagh and Nelder, Generalized Linear Models, 1989, chapters 4 and 5).
 */
export function predictLogistic(model: Logistic, values: Float64Array, count: number) {
  const { width, classes, coefficients, intercepts } = model;
  const labels = new Int32Array(count);
  const probabilities = new Float64Array(count * classes);
  const scores = new Float64Array(intercepts.length);
  // The other linear kinds count a score of two classes for both of them, one as the negative of the other.
  const temperature = classes === 2 ? 0.5 : 1;
  for (let row = 0; row < count; row++) {
    for (let score = 0; score < scores.length; score++) {
      let sum = intercepts[score] ?? 0;
      for (let column = 0; column < width; column++)
        sum += (coefficients[score * width + column] ?? 0) * (values[row * width + column] ?? Number.NaN);
      scores[score] = sum;
    }
    probabilitiesOf(scores, 0, { classes, temperature }, probabilities, row * classes);
    labels[row] = classes === 2 ? Number((scores[0] ?? 0) > 0) : argmax(scores);
  }
  return { labels, probabilities };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of a logistic model cannot be used: ${why}.`);
}
