import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';
import type { Ridge } from '../linear/ridge.ts';
import { readRidge, ridgeSchema, writeRidge } from '../linear/ridge-json.ts';
import { fitsIntegers } from './integer-convolver.ts';
import type { Rocket } from './rocket.ts';
import { kernels, taps } from './rocket-plan.ts';

/** By which a file of convolutions is known. */
export const rocketName = 'GaplineRocket';

const rocketSchema = z.strictObject({
  name: z.literal(rocketName),
  channels: z.int().min(1).max(10_000),
  length: z.int().min(taps).max(1_000_000).describe('samples of a channel'),
  dilations: z
    .array(
      z.strictObject({
        dilation: z.int().min(1),
        biases: z.int().min(1).describe('how many each kernel has'),
        channels: z.array(z.array(z.int().min(0)).min(1)).describe('by kernel, the channels that it is laid over'),
      }),
    )
    .min(1),
  biases: z.array(z.number()).describe('by dilation, kernel and bias'),
  integers: z
    .literal(true)
    .optional()
    .describe(
      'windows are convolved in whole numbers of 16 bits where that is exact enough, and coefficients are of 32 bits',
    ),
  ridge: ridgeSchema.describe('on the shares of each convolution that exceed its bias'),
});

/** A rocket estimator as it is kept in a model's artifact. */
export type RocketFile = z.infer<typeof rocketSchema>;

export function writeRocket({ plan, biases, integers }: Rocket, ridge: Ridge): RocketFile {
  return {
    name: rocketName,
    channels: plan.channels,
    length: plan.length,
    dilations: plan.dilations.map(({ dilation, biases: count, channels }) => ({
      dilation,
      biases: count,
      channels: channels.map((each) => [...each]),
    })),
    // Nine digits are a number of 32 bits, exactly.
    biases: Array.from(biases, (bias) => Number(bias.toPrecision(9)) + 0),
    ...(integers && { integers }),
    ridge: writeRidge(ridge),
  };
}

/**
 * Reads what `writeRocket` wrote.
 * @throws {GaplineError} `model-invalid`, naming what is wrong
 */
export function readRocket(
  json: unknown,
  { width, classes }: { width: number; classes: number },
): { rocket: Rocket; ridge: Ridge } {
  const { data, error } = validate(rocketSchema, json);
  if (!data) throw invalid(firstIssue(error));
  const { channels, length, dilations, biases, integers = false } = data;
  if (channels * length !== width)
    throw invalid(`it takes ${channels} channels of ${length} samples, but rows have ${width} columns`);
  for (const [at, each] of dilations.entries()) {
    if (each.dilation * (taps - 1) >= length) throw invalid(`dilations.${at}: it is longer than the window`);
    if (each.channels.length !== kernels.length)
      throw invalid(`dilations.${at}.channels: ${each.channels.length} for ${kernels.length} kernels`);
    if (each.channels.flat().some((channel) => channel >= channels))
      throw invalid(`dilations.${at}.channels: there are only ${channels}`);
  }
  if (integers && !fitsIntegers(data)) throw invalid('integers: windows of this shape have none');
  const features = dilations.reduce((sum, each) => sum + each.biases, 0) * kernels.length;
  if (biases.length !== features) throw invalid(`biases: ${biases.length} for ${features} features`);
  const ridge = readRidge(data.ridge, { width: features, classes });
  return {
    rocket: { plan: { channels, length, dilations, features }, biases: Float32Array.from(biases), integers },
    ridge: integers ? { ...ridge, coefficients: Float32Array.from(ridge.coefficients) } : ridge,
  };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of a rocket estimator cannot be used: ${why}.`);
}
