import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';
import type { Ridge } from './ridge.ts';

/** By which a file of a ridge classifier is known. */
export const ridgeName = 'GaplineRidge';

const numbers = z.array(z.number());

/** A ridge classifier as it is kept in a model's artifact. */
export const ridgeSchema = z.strictObject({
  name: z.literal(ridgeName),
  alpha: z.number().positive().describe('the penalty that was chosen'),
  temperature: z.number().positive().describe('what scores are multiplied with before softmax'),
  intercepts: numbers
    .min(1)
    .describe('by score; there is one a class, of two classes one alone, positive for the second'),
  coefficients: z.array(numbers).min(1).describe('by score and column'),
});

export type RidgeFile = z.infer<typeof ridgeSchema>;

export function writeRidge({ width, coefficients, intercepts, alpha, temperature }: Ridge): RidgeFile {
  return {
    name: ridgeName,
    alpha,
    temperature,
    // JSON knows no negative zero.
    intercepts: Array.from(intercepts, (value) => value + 0),
    coefficients: Array.from(intercepts, (_, score) =>
      Array.from(
        coefficients.subarray(score * width, (score + 1) * width),
        (value) => Number(value.toPrecision(10)) + 0,
      ),
    ),
  };
}

/**
 * Reads what `writeRidge` wrote.
 * @throws {GaplineError} `model-invalid`, naming what is wrong
 */
export function readRidge(json: unknown, { width, classes }: { width: number; classes: number }): Ridge {
  const { data, error } = validate(ridgeSchema, json);
  if (!data) throw invalid(firstIssue(error));
  const { intercepts, coefficients, alpha, temperature } = data;
  const scores = classes === 2 ? 1 : classes;
  if (intercepts.length !== scores)
    throw invalid(`it has ${intercepts.length} scores; ${classes} classes need ${scores}`);
  if (coefficients.length !== scores) throw invalid(`coefficients: ${coefficients.length} rows for ${scores} scores`);
  const misfit = coefficients.find((row) => row.length !== width);
  if (misfit) throw invalid(`coefficients: a row has ${misfit.length} numbers for ${width} columns`);
  return {
    width,
    classes,
    alpha,
    temperature,
    intercepts: Float64Array.from(intercepts),
    coefficients: Float64Array.from(coefficients.flat()),
  };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of a ridge classifier cannot be used: ${why}.`);
}
