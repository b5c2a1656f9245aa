import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import type { Model } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import { rowsOfSequences, type SampleSequence } from '../../core/model/sequences.ts';
import type { ModelSteps } from '../../core/model/steps.ts';
import { Faults, pointerToken } from '../../core/wire/problem.ts';
import { rateSchema, sampleCount } from '../../core/wire/samples.ts';
import { explainTime, readTime } from '../../core/wire/time.ts';
import { mostNumbers } from './rows.ts';

export const windowsSchema = z
  .array(
    z.strictObject({
      time: z
        .string()
        .max(40)
        .optional()
        .describe(
          'of the first sample: RFC 3339, or nanoseconds since 1970; default: so that the last sample ends a window',
        ),
      values: z
        .record(z.string(), z.array(z.number().nullable()).max(mostNumbers))
        .describe('by name, sample by sample; null is a gap; a shorter list was measured less often'),
    }),
  )
  .min(1)
  .max(10_000)
  .describe('samples of one device each; the last whole window of each gets a label');
export type WindowsInput = z.infer<typeof windowsSchema>;

/** Samples a second, where the model does not know them. */
export const windowRateSchema = rateSchema
  .optional()
  .describe('samples a second; default: what the model was trained with');

/**
 * The rows of a model out of samples, by its steps.
 * @throws {HttpProblem} `request-invalid` where the samples are not those of the model, or make no row
 */
export function readWindows(
  { fields, steps }: Model & { readonly steps: ModelSteps },
  input: WindowsInput,
  rate: number | undefined,
): Rows {
  const known = rateOf(rate, steps.chain.shape.rate);
  return rowsOfSequences(readSequences(steps.channels, input), known, { fields, steps });
}

/**
 * @param known - what the model was trained with
 * @throws {HttpProblem} `request-invalid` where neither says it
 */
export function rateOf(stated: number | undefined, known: number | null | undefined): number {
  const rate = stated ?? known;
  if (typeof rate === 'number') return rate;
  throw new HttpProblem('request-invalid', 'name the rate of the samples: the model does not know it', {
    errors: [{ pointer: '/rate', code: 'missing', detail: 'samples a second' }],
  });
}

/** @throws {HttpProblem} `request-invalid` where the samples are not those of the model */
export function readSequences(channels: readonly string[], input: WindowsInput): SampleSequence[] {
  const faults = new Faults(20);
  const isKnown = new Set(channels);
  let numbers = 0;
  for (const [at, { values, time }] of input.entries()) {
    const length = sampleCount(values);
    numbers += length * channels.length;
    if (length === 0) faults.add(`/windows/${at}/values`, 'range', 'no samples');
    for (const name of Object.keys(values))
      if (!isKnown.has(name))
        faults.add(`/windows/${at}/values/${pointerToken(name)}`, 'unknown', 'no value of the model');
    if (time !== undefined && readTime(time, 'ns') === null)
      faults.add(`/windows/${at}/time`, 'format', explainTime(time, 'ns'));
    if (faults.hopeless) break;
  }
  if (faults.count > 0) throw new HttpProblem('request-invalid', faults.summary(), { errors: faults.list });
  if (numbers > mostNumbers)
    throw new HttpProblem('body-too-large', `${numbers} numbers over all channels; expected at most ${mostNumbers}`);
  return input.map((window) => sequenceOf(channels, window));
}

function sequenceOf(channels: readonly string[], { time, values }: WindowsInput[number]): SampleSequence {
  const length = sampleCount(values);
  const columns = channels.map((name) => {
    const samples = Object.hasOwn(values, name) ? values[name] : undefined;
    return samples && Float64Array.from({ length }, (_, sample) => samples[sample] ?? Number.NaN);
  });
  // A channel that is not there at all is missing in each sample, as in a record of the log.
  const sent = channels.map((name) => (Object.hasOwn(values, name) ? (values[name]?.length ?? length) : length));
  const ns = time === undefined ? null : readTime(time, 'ns');
  return { length, columns, sent, ...(ns !== null && { time: BigInt(ns) }) };
}
