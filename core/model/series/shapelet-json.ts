import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';
import type { Ridge } from '../linear/ridge.ts';
import { readRidge, ridgeSchema, writeRidge } from '../linear/ridge-json.ts';
import { countShapelets, featuresOfShapelet, placesOf, type ShapeletSet } from './shapelet-plan.ts';

/** By which a file of shapelets is known. */
export const shapeletsName = 'GaplineShapelets';

const shapeletsSchema = z.strictObject({
  name: z.literal(shapeletsName),
  channels: z.int().min(1).max(10_000),
  length: z.int().min(2).max(1_000_000).describe('samples of a channel'),
  groups: z
    .array(
      z.strictObject({
        channel: z.int().min(0),
        dilation: z.int().min(1).describe('from one sample that is compared to the next'),
        normalised: z.boolean().describe('whether mean and scale are taken off before'),
        thresholds: z.array(z.number()).min(1).describe('by shapelet: a smaller squared distance is an occurrence'),
        values: z.array(z.array(z.number()).min(1)).min(1).describe('by shapelet'),
      }),
    )
    .min(1),
  ridge: ridgeSchema.describe('on the least distance, its place and the share of occurrences of each shapelet'),
  means: z
    .array(z.number())
    .optional()
    .describe('by column of the ridge classifier: the mean over the training windows, to tell which shapelet decided'),
});

/** A shapelet estimator as it is kept in a model's artifact. */
export type ShapeletsFile = z.infer<typeof shapeletsSchema>;

/** Nine digits are a number of 32 bits, exactly. JSON knows no negative zero. */
const short = (value: number): number => Number(value.toPrecision(9)) + 0;

export function writeShapelets(
  { channels, length, groups }: ShapeletSet,
  ridge: Ridge,
  means?: Float64Array,
): ShapeletsFile {
  return {
    name: shapeletsName,
    channels,
    length,
    groups: groups.map(({ channel, dilation, normalised, shapelets }) => ({
      channel,
      dilation,
      normalised,
      thresholds: shapelets.map(({ threshold }) => short(threshold)),
      values: shapelets.map(({ values }) => Array.from(values, short)),
    })),
    ridge: writeRidge(ridge),
    ...(means && { means: Array.from(means, short) }),
  };
}

/**
 * Reads what `writeShapelets` wrote.
 * @throws {GaplineError} `model-invalid`, naming what is wrong
 */
export function readShapelets(
  json: unknown,
  { width, classes }: { width: number; classes: number },
): { set: ShapeletSet; ridge: Ridge; means?: Float64Array } {
  const { data, error } = validate(shapeletsSchema, json);
  if (!data) throw invalid(firstIssue(error));
  const { channels, length } = data;
  if (channels * length !== width)
    throw invalid(`it takes ${channels} channels of ${length} samples, but rows have ${width} columns`);
  const groups = data.groups.map(({ thresholds, values, ...group }, at) => {
    const size = values[0]?.length ?? 0;
    if (group.channel >= channels) throw invalid(`groups.${at}.channel: there are only ${channels}`);
    if (values.some((each) => each.length !== size)) throw invalid(`groups.${at}.values: not all are of one length`);
    if (thresholds.length !== values.length)
      throw invalid(`groups.${at}.thresholds: ${thresholds.length} for ${values.length} shapelets`);
    if (placesOf(data, { ...group, length: size }) < 1)
      throw invalid(`groups.${at}: its shapelets are longer than the window`);
    const shapelets = values.map((each, index) => ({
      threshold: thresholds[index] ?? 0,
      values: Float32Array.from(each),
    }));
    return { ...group, length: size, shapelets };
  });
  const set = { channels, length, groups };
  const features = countShapelets(set) * featuresOfShapelet;
  const { means } = data;
  if (means && means.length !== features) throw invalid(`means: ${means.length} numbers for ${features} columns`);
  const ridge = readRidge(data.ridge, { width: features, classes });
  return { set, ridge, ...(means && { means: Float64Array.from(means) }) };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of shapelets cannot be used: ${why}.`);
}
