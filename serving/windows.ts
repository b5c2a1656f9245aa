import type { Model } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import type { ModelSteps } from '../core/model/steps.ts';
import { InputRows } from '../core/steps/input.ts';
import { endsSegment, onlyEndsSegment, type StepRows } from '../core/steps/port.ts';
import { nsOf, type Time, timeOf } from '../core/steps/time.ts';
import { shorten } from '../core/wire/problem.ts';
import { rateSchema, sampleOffsetNs } from '../core/wire/samples.ts';
import { explainTime, readTime } from '../core/wire/time.ts';
import { fill, fillByField, type Input, quote } from './input.ts';
import { BadRequest } from './protocol-error.ts';
import { boundElements, maxRows } from './request-bounds.ts';

/** The input that holds when each window's first sample was taken. */
export const timeInput = 'time';

/** Windows that the samples of a request may span, over all sequences: only the last of each is asked for, but all are worked out. */
const maxWindows = 100_000;

/** A model whose rows are made of samples. */
export type SampledModel = Pick<Model, 'fields' | 'classes'> & { readonly steps: ModelSteps };

interface Sequences {
  /** Of sequences, and of samples in each. */
  readonly count: number;
  readonly length: number;
  /** By sequence, sample and channel; NaN is a gap. */
  readonly values: Float64Array;
  /** Samples a second. */
  readonly rate: number;
  readonly times: readonly bigint[];
}

/**
 * Makes the model's rows of an inference request that carries samples: one tensor of shape [windows, samples, channels], or a tensor of
 * shape [windows, samples] for each channel, by name. The samples run through the steps of the line; samples before the last whole
 * window only bring filters and grids into their state.
 * @param rate - what the request states in its parameters
 * @returns a row for each sequence: its last whole window; without a window its last sample
 * @throws {BadRequest}
 */
export function rowsOfWindows(inputs: readonly Input[], rate: unknown, model: SampledModel): Rows {
  const { steps } = model;
  const sequences = sequencesOf(inputs, rate, model);
  const session = steps.chain.open();
  boundElements(sequences.count, model);
  const { rows, outcomes } = session.apply(inputRows(sequences, steps.channels.length));
  for (const { use, skips } of outcomes) {
    const [reason] = skips.reasons;
    if (reason !== undefined)
      throw new BadRequest(`the samples of window ${skips.devices[0]}: step ${use} leaves some out (${reason})`);
  }
  return chosenRows(rows, sequences, model);
}

function sequencesOf(inputs: readonly Input[], rate: unknown, model: SampledModel): Sequences {
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
  const values = new Float64Array(count * length * channels.length).fill(Number.NaN);
  if (isWhole) fill(first, values, 0, 1);
  else fillByField(samples, channels, [count, length], values);
  const known = rateOf(rate, chain.shape.rate);
  const times = inputs.find((input) => !samples.includes(input));
  return { count, length, values, rate: known, times: timesOf(times, { count, length, rate: known }, model) };
}

function rateOf(stated: unknown, known: number | undefined): number {
  if (stated === undefined && known !== undefined) return known;
  const { success, data } = rateSchema.safeParse(stated);
  if (success) return data;
  const found = stated === undefined ? 'missing, and the model does not know it' : shorten(JSON.stringify(stated));
  throw new BadRequest(`parameters.rate: ${found}; expected samples a second, 0.000001 to 1000000`);
}

/** When the first samples were taken; without an answer in the request, such that the last sample of each ends a window. */
function timesOf(
  input: Input | undefined,
  { count, length, rate }: Pick<Sequences, 'count' | 'length' | 'rate'>,
  { steps }: SampledModel,
): bigint[] {
  const span = sampleOffsetNs(length, rate);
  const { windows } = steps.chain.shape;
  if (windows && span < windows.lengthNs)
    throw new BadRequest(
      `${length} samples at ${rate} a second are ${span / 1e9} s; a window of the model is ${windows.lengthNs / 1e9} s`,
    );
  if (windows) boundWindows(count, span, windows);
  if (input === undefined) {
    const hops = windows ? Math.ceil((span - windows.lengthNs) / windows.everyNs) : 0;
    const end = windows ? windows.lengthNs + hops * windows.everyNs : span;
    return new Array<bigint>(count).fill(BigInt(end - span));
  }
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

function boundWindows(
  count: number,
  spanNs: number,
  { everyNs, lengthNs }: { everyNs: number; lengthNs: number },
): void {
  const spanned = count * Math.ceil((spanNs + lengthNs) / everyNs);
  if (spanned <= maxWindows) return;
  throw new BadRequest(
    `the samples span ${spanned} windows of the model, at most ${maxWindows}: send fewer before the last one, or fewer at once`,
  );
}

/** Each sequence is a device of its own, whose segment ends with it: so what waits in the steps comes out. */
function inputRows({ count, length, values, rate, times }: Sequences, width: number): StepRows {
  const input = new InputRows(width);
  input.begin();
  for (let sequence = 0; sequence < count; sequence++) {
    const start = sequence * length * width;
    const columns = Array.from({ length: width }, (_, channel) =>
      Float64Array.from({ length }, (_, sample) => values[start + sample * width + channel] ?? Number.NaN),
    );
    const record = { device: String(sequence), time: timeAt(times, sequence), segment: endsSegment };
    input.addSamples(record, rate, length, columns);
  }
  return input.rows();
}

const timeAt = (times: readonly bigint[], sequence: number): Time => timeOf(times[sequence] ?? 0n);

/** The last row of each sequence; where rows are windows, the last that lies within its samples. */
function chosenRows(rows: StepRows, sequences: Sequences, { fields, steps }: SampledModel): Rows {
  const { count } = sequences;
  const chosen = new Int32Array(count).fill(-1);
  for (let row = 0; row < rows.count; row++) {
    const sequence = Number(rows.names[rows.devices[row] ?? 0]);
    if (rows.segments[row] !== onlyEndsSegment && isWhole(rows, row, sequences, sequence)) chosen[sequence] = row;
  }
  const empty = chosen.indexOf(-1);
  if (empty >= 0) {
    const every = steps.chain.shape.windows?.everyNs;
    const starts =
      every === undefined ? '' : `; windows of the model begin at multiples of ${every / 1e9} s since 1970`;
    throw new BadRequest(`window ${empty}: its samples hold no whole window in which anything was measured${starts}`);
  }
  const width = fields.length;
  const values = new Float64Array(count * width);
  for (const [column, from] of rows.columns.entries())
    for (const [sequence, row] of chosen.entries()) values[sequence * width + column] = from[row] ?? Number.NaN;
  return {
    ...{ count, width, values, times: new BigInt64Array(count) },
    devices: Array.from({ length: count }, (_, sequence) => `row ${sequence}`),
  };
}

/** Whether samples cover a row's window: it begins less than a sample before the first of them, and ends before the next would come. */
function isWhole(rows: StepRows, row: number, { length, rate, times }: Sequences, sequence: number): boolean {
  const { windows } = rows;
  if (!windows) return true;
  const first = times[sequence] ?? 0n;
  const from = nsOf(windows.fromSeconds[row] ?? 0, windows.fromNanoseconds[row] ?? 0);
  const end = nsOf(rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0);
  return from > first - BigInt(sampleOffsetNs(1, rate)) && end <= first + BigInt(sampleOffsetNs(length, rate));
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
