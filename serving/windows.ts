import type { Model } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { rowsOfSequences } from '../core/model/sequences.ts';
import type { ModelSteps } from '../core/model/steps.ts';
import { shorten } from '../core/wire/problem.ts';
import { rateSchema } from '../core/wire/samples.ts';
import { explainTime, readTime } from '../core/wire/time.ts';
import { validate } from '../core/wire/validate.ts';
import { fill, fillByField, type Input, quote } from './input.ts';
import { BadRequest } from './protocol-error.ts';
import { boundElements, maxRows } from './request-bounds.ts';

/** The input that holds when each window's first sample was taken. */
export const timeInput = 'time';

/** A model whose rows are made of samples. */
export type SampledModel = Pick<Model, 'fields' | 'classes'> & { readonly steps: ModelSteps };

/**
 * Makes the model's rows of an inference request that carries samples: one tensor of shape [windows, samples, channels], or a tensor of
 * shape [windows, samples] for each channel, by name. A shorter one was measured less often: what it lacks is no gap.
 * @param rate - what the request states in its parameters
 * @returns a row for each sequence, as {@link rowsOfSequences}
 * @throws {BadRequest}
 */
export function rowsOfWindows(inputs: readonly Input[], rate: unknown, model: SampledModel): Rows {
  const { channels, chain } = model.steps;
  // A channel may be called so as well: its samples are numbers.
  const isTime = ({ name, datatype }: Input) =>
    name === timeInput && (datatype === 'BYTES' || !channels.includes(timeInput));
  const samples = inputs.filter((input) => !isTime(input));
  const [first] = samples;
  if (first === undefined) throw new BadRequest('inputs: expected a tensor of samples');
  const [count, , width] = first.shape;
  const isWhole = samples.length === 1 && first.shape.length === 3 && width === channels.length;
  if (!isWhole && first.shape.length !== 2)
    throw new BadRequest(
      `${quote(first)}: shape [${first.shape}]; expected [windows, samples, ${channels.length}], or [windows, samples] for each of ${channels.join(', ')}`,
    );
  if (!count || count > maxRows) throw new BadRequest(`${quote(first)}: ${count} windows; expected 1 to ${maxRows}`);
  const length = Math.max(...samples.map(({ shape }) => shape[1] ?? 0));
  if (!length) throw new BadRequest(`${quote(first)}: no samples; expected at least one`);
  boundElements(count * length, { fields: channels, classes: [] });
  boundElements(count, model);
  const values = new Float64Array(count * length * channels.length).fill(Number.NaN);
  if (isWhole) fill(first, values, 0, 1);
  else {
    const padded = samples.map((input) => padTo(input, count, length));
    fillByField(padded, channels, [count, length], values);
  }
  const sentOf = new Map(isWhole ? [] : samples.map(({ name, shape: [, sent] }) => [name, sent]));
  const sent = channels.map((name) => sentOf.get(name) ?? length);
  const known = rateOf(rate, chain.shape.rate);
  const times = timesOf(inputs.find(isTime), count);
  const sequences = Array.from({ length: count }, (_, sequence) => {
    const time = times?.[sequence];
    return {
      ...{ length, sent },
      columns: columnsOf(values, sequence, length, channels.length),
      ...(time !== undefined && { time }),
    };
  });
  return rowsOfSequences(sequences, known, model);
}

/** A tensor of fewer samples as one of `length`, with gaps behind them. What does not fit in another way is left to be refused. */
function padTo(input: Input, count: number, length: number): Input {
  const [windows, sent = length] = input.shape;
  if (sent === length || windows !== count) return input;
  const own = new Float64Array(count * sent);
  fill({ ...input, shape: [count, sent] }, own, 0, 1);
  const data = Array.from({ length: count * length }, (_, at) => {
    const [window, sample] = [Math.floor(at / length), at % length];
    const value = sample < sent ? (own[window * sent + sample] ?? Number.NaN) : Number.NaN;
    return Number.isNaN(value) ? null : value;
  });
  return { ...input, shape: [count, length, ...input.shape.slice(2)], data };
}

/** By channel, the samples of one sequence out of `values`, which are by sequence, sample and channel. */
const columnsOf = (values: Float64Array, sequence: number, length: number, width: number): Float64Array[] =>
  Array.from({ length: width }, (_, channel) =>
    Float64Array.from({ length }, (_, sample) => values[(sequence * length + sample) * width + channel] ?? Number.NaN),
  );

function rateOf(stated: unknown, known: number | undefined): number {
  if (stated === undefined && known !== undefined) return known;
  const { success, data } = validate(rateSchema, stated);
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

type DescribedModel = Pick<Model, 'fields' | 'series'> & { readonly steps: ModelSteps };

/** The inputs of a model with steps, in the protocol's format; with the columns of the rows that it makes of them. */
export function describeSamples({ fields, series, steps: { channels, chain } }: DescribedModel) {
  const { rate, windows } = chain.shape;
  const samples = rate !== undefined && windows ? Math.round((windows.lengthNs / 1e9) * rate) : undefined;
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
        columns: JSON.stringify(fields),
        ...(chain.byRow && { by_row: true }),
        ...(series && { series: true }),
      },
    },
    { name: timeInput, datatype: 'BYTES', shape: [-1], parameters: { optional: true } },
  ];
}
