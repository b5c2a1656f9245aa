import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';
import { transformSchema } from '../impute/schema.ts';
import type { FittedNeighbours } from './neighbours.ts';

/** The value of `name` in a file of neighbours. */
export const neighboursName = 'GaplineNeighbours';

const numbers = z.array(z.number());
const positive = z.array(z.number().positive());
/** Products of a few of them are neither zero nor beyond a double. */
const moderate = z.number().min(1e-100).max(1e100);

const neighboursSchema = z.strictObject({
  name: z.literal(neighboursName),
  transforms: z.array(transformSchema).min(1).describe('by field: a map to something more like a normal distribution'),
  center: numbers.describe('by field: mean of the mapped values'),
  spread: positive.describe('by field: their standard deviation'),
  weights: z
    .array(z.number().min(0).max(1e30))
    .describe('weights of squared differences: by field of the values, then by field of being above the least value'),
  sharpness: z.number().positive().describe('inverse bandwidth: a vote is exp(-sharpness * distance)'),
  stretch: z
    .number()
    .describe('missingness exponent: a distance over a share s of the fields is multiplied by s^-stretch'),
  doubt: moderate.describe('additive smoothing: votes given to all classes together'),
  shares: z.array(moderate).min(2).describe('by class: its prior, its share of the smoothing'),
  classWeights: z
    .array(z.union([z.literal(0), moderate]))
    .refine((weights) => weights.some((weight) => weight > 0), 'no vote counts')
    .describe('by class: the weight of a vote for it'),
  rows: z.array(numbers).min(1).describe('the reference set: rows that vote'),
  labels: z.array(z.int().min(0)).describe('by row: index of the class that it votes for'),
});

/** Neighbours as they are kept in a model's artifact. */
export type NeighboursFile = z.infer<typeof neighboursSchema>;

export function writeNeighbours({ references, scaling, metric }: FittedNeighbours): NeighboursFile {
  const { count, width, values, labels } = references;
  return {
    name: neighboursName,
    ...scaling,
    weights: [...metric.weights],
    sharpness: metric.inverseBandwidth,
    stretch: metric.missingnessExponent,
    doubt: metric.smoothing,
    shares: [...metric.classPriors],
    classWeights: [...metric.classWeights],
    // JSON knows no negative zero.
    rows: Array.from({ length: count }, (_, row) =>
      Array.from(values.subarray(row * width, (row + 1) * width), (value) => value + 0),
    ),
    labels: [...labels],
  };
}

/**
 * Reads what `writeNeighbours` wrote.
 * @throws GaplineError `model-invalid`, naming what is wrong
 */
export function readNeighbours(
  json: unknown,
  { width, classes }: { width: number; classes: number },
): FittedNeighbours {
  const { data: file, error } = validate(neighboursSchema, json);
  if (!file) throw invalid(firstIssue(error));
  const { transforms, center, spread, weights, shares, classWeights, rows, labels } = file;
  for (const [key, { length }] of Object.entries({ transforms, center, spread }))
    if (length !== width) throw invalid(`${key} has ${length} entries for ${width} fields`);
  if (weights.length !== 2 * width) throw invalid(`weights has ${weights.length} entries for ${width} fields`);
  for (const [key, { length }] of Object.entries({ shares, classWeights }))
    if (length !== classes) throw invalid(`${key} has ${length} entries for ${classes} classes`);
  if (labels.length !== rows.length) throw invalid(`there are ${rows.length} rows but ${labels.length} labels`);
  const odd = rows.findIndex(({ length }) => length !== width);
  if (odd >= 0) throw invalid(`row ${odd} has ${rows[odd]!.length} values for ${width} fields`);
  const beyond = labels.findIndex((label) => label >= classes);
  if (beyond >= 0) throw invalid(`row ${beyond} votes for class ${labels[beyond]} of ${classes}`);
  return {
    references: {
      count: rows.length,
      width,
      values: Float64Array.from(rows.flat()),
      labels: Int32Array.from(labels),
    },
    scaling: { transforms, center, spread },
    metric: {
      weights: Float64Array.from(weights),
      inverseBandwidth: file.sharpness,
      missingnessExponent: file.stretch,
      smoothing: file.doubt,
      classPriors: shares,
      classWeights,
    },
  };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of neighbours cannot be used: ${why}.`);
}
