import type { Model } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { rowsOfSequences } from '../core/model/sequences.ts';
import type { ModelSteps } from '../core/model/steps.ts';
import { shorten } from '../core/wire/problem.ts';
import { rateSchema } from '../core/wire/samples.ts';
import { explainTime, readTime } from '../core/wire/time.ts';
import { fill, fillByField, type Input, quote } from './input.ts';
import { BadRequest } from './protocol-error.ts';
import { boundElements, maxRows } from './request-bounds.ts';

/** The input that holds when each window's first sample was taken. */
export const timeInput = 'time';

/** A model whose rows are made of samples. */
export type SampledModel = Pick<Model, 'fields' | 'classes'> & { readonly steps: ModelSteps };

/**
 * Makes the model's rows of an inference request that carries samples: one tensor of shape [windows, samples, channels], or a tensor of
 * shape [windows, samples] for each channel, by name.
 * @param rate - what the request states in its parameters
 * @returns a row for each sequence, as {@link rowsOfSequences}
 * @throws {BadRequest}
 */
export function rowsOfWindows(inputs: readonly Input[], rate: unknown, model: SampledModel): Rows {
  const { channels, chain } = model.steps;
  const samples = inputs.filter(({ name }) => name !== timeInput || channels.includes(timeInput));
  const [first] = samples;
  if (first === undefined) throw new BadRequest('inputs: expected a tensor of samples');
  const [count, length, width] = first.shape;
  const isWhole = samples.length === 1 && first.shape.length === 3 && width === channels.length;
  if (!isWhole && first.shape.length !== 2)
    throw new BadRequest(
      `${quote(first)}: shape [${first.shape}]; expected [windows, samples, ${channels.length}], or [windows, samples] for each of ${channels.join(', ')}`,
    );
  if (!count || count > maxRows) throw new BadRequest(`${quote(first)}: ${count} windows; expected 1 to ${maxRows}`);
  if (!length) throw new BadRequest(`${quote(first)}: no samples; expected at least one`);
  boundElements(count * length, { fields: channels, classes: model.classes });
  boundElements(count, model);
  const values = new Float64Array(count * length * channels.length).fill(Number.NaN);
  if (isWhole) fill(first, values, 0, 1);
  else fillByField(samples, channels, [count, length], values);
  const known = rateOf(rate, chain.shape.rate);
  const times = timesOf(
    inputs.find((input) => !samples.includes(input)),
    count,
  );
  const sequences = Array.from({ length: count }, (_, sequence) => {
    const time = times?.[sequence];
    return {
      length,
      columns: columnsOf(values, sequence, length, channels.length),
      ...(time !== undefined && { time }),
    };
  });
  return rowsOfSequences(sequences, known, model);
}

/** By channel, the samples of one sequence out of `values`, which are by sequence, sample and channel. */
const columnsOf = (values: Float64Array, sequence: number, length: number, width: number): Float64Array[] =>
  Array.from({ length: width }, (_, channel) =>
    Float64Array.from({ length }, (_, sample) => values[(sequence * length + sample) * width + channel] ?? Number.NaN),
  );

function rateOf(stated: unknown, known: number | undefined): number {
  if (stated === undefined && known !== undefined) return known;
  const { success, data } = rateSchema.safeParse(stated);
  if (success) return data;
  const found = stated === undefined ? 'missing, and the model does not know it' : shorten(JSON.stringify(stated));
  throw new BadRequest(`parameters.rate: ${found}; expected samples a second, 0.000001 to 1000000`);
}

/** When the first samples were taken, where the request says so. */
function timesOf(input: Input | undefined, count: number): bigint[] | undefined {
  if (input === undefined) return undefined;
  if (input.datatype !== 'BYTES' || input.shape.length !== 1 || input.shape[0] !== count)
    throw new BadRequest(`${quote(input)}: ${input.datatype} of shape [${input.shape}]; expected BYTES of [${count}]`);
  if (input.data.length !== count)
    throw new BadRequest(`${quote(input)}: ${input.data.length} elements; shape [${input.shape}] has ${count}`);
  return input.data.map((value, at) => {
    const time = typeof value === 'string' ? readTime(value, 'ns') : null;
    if (time === null) throw new BadRequest(`${quote(input)}: element ${at}: ${explainTime(value, 'ns')}`);
    return BigInt(time);
  });
}

/** The inputs of a model with steps, in the protocol's format. */
export function describeSamples({ channels, chain }: ModelSteps) {
  const { rate, windows } = chain.shape;
  const samples = rate !== undefined && windows && Math.round((windows.lengthNs / 1e9) * rate);
  return [
    {
      name: 'samples',
      datatype: 'FP64',
      shape: [-1, -1, channels.length],
      parameters: {
        ...{ fields: JSON.stringify(channels), nulls: true },
        ...(rate !== undefined && { rate }),
        ...(samples !== undefined && { window_samples: samples }),
        ...(windows && { window_ns: windows.lengthNs, every_ns: windows.everyNs }),
      },
    },
    { name: timeInput, datatype: 'BYTES', shape: [-1], parameters: { optional: true } },
  ];
}
