import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { transformSchema } from '../impute/schema.ts';
import type { FittedNeighbours } from './neighbours.ts';

/** By which a file of neighbours is known. */
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
    .describe('what squared differences count: by field of the values, then by field of being above the least value'),
  sharpness: z.number().positive().describe('how fast votes fade with the distance'),
  stretch: z.number().describe('a distance over a share s of the fields counts s^-stretch times'),
  doubt: moderate.describe('votes that the classes get for nothing'),
  shares: z.array(moderate).min(2).describe('by class: its share of those votes'),
  classWeights: z
    .array(z.union([z.literal(0), moderate]))
    .refine((weights) => weights.some((weight) => weight > 0), 'no vote counts')
    .describe('by class: what a vote for it counts'),
  rows: z.array(numbers).min(1).describe('those who vote'),
  labels: z.array(z.int().min(0)).describe('by row: index of the class that it votes for'),
});

/** Neighbours as they are kept in a model's artifact. */
export type NeighboursFile = z.infer<typeof neighboursSchema>;

export function writeNeighbours({ references, scaling, likeness }: FittedNeighbours): NeighboursFile {
  const { count, width, values, labels } = references;
  const { weights, sharpness, stretch, doubt, shares, classWeights } = likeness;
  return {
    name: neighboursName,
    ...scaling,
    weights: [...weights],
    ...{ sharpness, stretch, doubt },
    shares: [...shares],
    classWeights: [...classWeights],
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
  const { data: file, error } = neighboursSchema.safeParse(json);
  if (!file) throw invalid(firstIssue(error));
  const { transforms, center, spread, weights, sharpness, stretch, doubt, shares, classWeights, rows, labels } = file;
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
    likeness: { weights: Float64Array.from(weights), sharpness, stretch, doubt, shares, classWeights },
  };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of neighbours cannot be used: ${why}.`);
}
