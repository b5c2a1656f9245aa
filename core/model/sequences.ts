import { InputRows } from '../steps/input.ts';
import { endsSegment, onlyEndsSegment, type StepRows } from '../steps/port.ts';
import { valuesOf } from '../steps/row-values.ts';
import { nsOf, timeOf } from '../steps/time.ts';
import { GaplineError } from '../wire/errors.ts';
import { sampleOffsetNs } from '../wire/sample-offset.ts';
import type { Rows } from './rows.ts';
import type { ModelSteps } from './steps.ts';

/** Samples of one device at an even rate, the last of which ends its segment. */
export interface SampleSequence {
  /** Samples; at least one. */
  readonly length: number;
  /** By channel of the steps, `length` of each; NaN is a gap. Undefined where the channel was not measured. */
  readonly columns: readonly (Float64Array | undefined)[];
  /** By channel, how many samples of it there are: what is missing behind that is no gap. Default: all. */
  readonly sent?: readonly number[];
  /** When the first sample was taken, in nanoseconds since 1970. Default: such that the last one ends a window. */
  readonly time?: bigint;
}

/** A model whose rows are made of samples. */
export interface SampledModel {
  readonly fields: readonly string[];
  readonly steps: ModelSteps;
}

/** Windows that the samples of one call may span, over all sequences: only the last of each is asked for, but all are worked out. */
const maxWindows = 100_000;

/**
 * Makes the model's rows of samples. They run through the steps of the line; samples before the last whole window only bring filters and
 * grids into their state.
 * @param rate - samples a second
 * @returns a row for each sequence: its last whole window; without a window its last sample
 * @throws {GaplineError} `request-invalid` where a sequence gives no row
 */
export function rowsOfSequences(sequences: readonly SampleSequence[], rate: number, model: SampledModel): Rows {
  const { steps } = model;
  boundWindows(sequences, rate, steps);
  const timed = sequences.map((each) => ({ ...each, time: each.time ?? timeOfWhole(each, rate, steps) }));
  const { rows, outcomes } = steps.chain.open().apply(inputRows(timed, rate, steps.channels.length));
  for (const { use, skips } of outcomes) {
    const [reason] = skips.reasons;
    if (reason !== undefined)
      throw refusal(`the samples of window ${skips.devices[0]}: step ${use} leaves some out (${reason})`);
  }
  return chosenRows(rows, timed, rate, model);
}

const refusal = (detail: string): GaplineError => new GaplineError('request-invalid', detail, { retryable: false });

function boundWindows(sequences: readonly SampleSequence[], rate: number, { chain }: ModelSteps): void {
  const { windows } = chain.shape;
  if (!windows) return;
  const { everyNs, lengthNs } = windows;
  let spanned = 0;
  for (const { length } of sequences) {
    const spanNs = sampleOffsetNs(length, rate);
    if (spanNs < lengthNs)
      throw refusal(
        `${length} samples at ${rate} a second are ${spanNs / 1e9} s; a window of the model is ${lengthNs / 1e9} s`,
      );
    spanned += Math.ceil((spanNs + lengthNs) / everyNs);
  }
  if (spanned > maxWindows)
    throw refusal(
      `the samples span ${spanned} windows of the model, at most ${maxWindows}: send fewer before the last one, or fewer at once`,
    );
}

/** A time of the first sample by which the last one ends a window. */
function timeOfWhole({ length }: SampleSequence, rate: number, { chain }: ModelSteps): bigint {
  const spanNs = sampleOffsetNs(length, rate);
  const { windows } = chain.shape;
  if (!windows) return 0n;
  const hops = Math.ceil((spanNs - windows.lengthNs) / windows.everyNs);
  return BigInt(windows.lengthNs + hops * windows.everyNs - spanNs);
}

type TimedSequence = SampleSequence & { readonly time: bigint };

/** Each sequence is a device of its own, whose segment ends with it: so what waits in the steps comes out. */
function inputRows(sequences: readonly TimedSequence[], rate: number, width: number): StepRows {
  const input = new InputRows(width);
  input.begin();
  for (const [at, { length, columns, sent, time }] of sequences.entries())
    input.addSamples({ device: String(at), time: timeOf(time), segment: endsSegment }, rate, length, columns, sent);
  return input.rows();
}

/** The last row of each sequence; where rows are windows, the last that lies within its samples. */
function chosenRows(rows: StepRows, sequences: readonly TimedSequence[], rate: number, { steps }: SampledModel): Rows {
  const count = sequences.length;
  const chosen = new Int32Array(count).fill(-1);
  for (let row = 0; row < rows.count; row++) {
    const at = Number(rows.names[rows.devices[row] ?? 0]);
    const sequence = sequences[at];
    if (sequence && rows.segments[row] !== onlyEndsSegment && isWhole(rows, row, sequence, rate)) chosen[at] = row;
  }
  const empty = chosen.indexOf(-1);
  if (empty >= 0) {
    const every = steps.chain.shape.windows?.everyNs;
    const starts =
      every === undefined ? '' : `; windows of the model begin at multiples of ${every / 1e9} s since 1970`;
    throw refusal(`window ${empty}: its samples hold no whole window in which anything was measured${starts}`);
  }
  return {
    ...{ count, ...valuesOf(rows, chosen), times: new BigInt64Array(count) },
    devices: Array.from({ length: count }, (_, sequence) => `row ${sequence}`),
  };
}

/** Whether samples cover a row's window: it begins less than a sample before the first of them, and ends before the next would come. */
function isWhole({ windows, ...rows }: StepRows, row: number, { length, time }: TimedSequence, rate: number): boolean {
  if (!windows) return true;
  const from = nsOf(windows.fromSeconds[row] ?? 0, windows.fromNanoseconds[row] ?? 0);
  const end = nsOf(rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0);
  return from > time - BigInt(sampleOffsetNs(1, rate)) && end <= time + BigInt(sampleOffsetNs(length, rate));
}

/**
 * Makes the model's rows of readings that each give a row by themselves, whatever their time.
 * @param values - row-major, by channel of the steps; NaN is a gap
 */
export function rowsOfReadings(values: Float64Array, count: number, { steps }: SampledModel): Float64Array {
  const channels = steps.channels.length;
  const input = new InputRows(channels);
  input.begin();
  for (let row = 0; row < count; row++)
    input.addSample({ device: '', time: timeOf(BigInt(row)) }, values.subarray(row * channels, (row + 1) * channels));
  const { rows } = steps.chain.open().apply(input.rows());
  if (rows.count !== count)
    throw refusal(`the steps of the model make ${rows.count} rows of ${count}: it takes windows of samples`);
  return valuesOf(
    rows,
    Int32Array.from({ length: count }, (_, row) => row),
  ).values;
}
