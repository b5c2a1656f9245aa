import type { Model, ModelOutput } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { explainTime, readTime } from '../core/wire/time.ts';
import { type Input, quote } from './input.ts';
import { BadRequest } from './protocol-error.ts';

/** What a model predicts of a device from the state of the line. */
export interface DevicePrediction {
  /** One row. */
  readonly rows: Rows;
  readonly output: ModelOutput;
  /** Nanoseconds since the epoch, as text. */
  readonly time: string;
  /** By kind, when the fact begins that the row rests on. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Who knows the state of the devices. */
export interface DeviceRows {
  /** This version is served from now on, or none. */
  use(model: Model | undefined): void;
  /** @throws {GaplineError} `state-restoring`, `device-unknown`, `row-missing` or `fact-missing` */
  predict(model: Model, device: string, atNs: bigint | undefined): Promise<DevicePrediction>;
  stop(): Promise<void>;
}

/** The input that names a device in place of its values. */
export const deviceInput = 'device';

/**
 * Whether a request names a device and sends no values: its first tensor is of texts and called `device`. A value of this name is a number.
 */
export function namesDevice(body: unknown): boolean {
  const inputs: unknown = typeof body === 'object' && body !== null && 'inputs' in body ? body.inputs : undefined;
  return Array.isArray(inputs) && inputs.some((input) => input?.name === deviceInput && input?.datatype === 'BYTES');
}

/** The device that a request names, and the time if it names one. @throws {BadRequest} */
export function readDevice(inputs: readonly Input[]): { readonly device: string; readonly atNs: bigint | undefined } {
  let device: string | undefined;
  let atNs: bigint | undefined;
  for (const input of inputs) {
    const value = onlyText(input);
    if (input.name === deviceInput && device === undefined) device = value;
    else if (input.name === 'time' && atNs === undefined) atNs = timeOf(input, value);
    else throw new BadRequest(`${quote(input)}: expected device and time only, once each, for a device of the line`);
  }
  if (device === undefined || device === '') throw new BadRequest('inputs "device": it is empty; expected a name');
  return { device, atNs };
}

function onlyText(input: Input): string {
  const [value] = input.data;
  const isOne = input.datatype === 'BYTES' && input.data.length === 1 && input.shape.every((size) => size === 1);
  if (isOne && typeof value === 'string') return value;
  throw new BadRequest(`${quote(input)}: ${input.datatype} of shape [${input.shape}]; expected BYTES of [1], one text`);
}

function timeOf(input: Input, value: string): bigint {
  const time = readTime(value, 'ns');
  if (time === null) throw new BadRequest(`${quote(input)}: ${explainTime(value, 'ns')}`);
  return BigInt(time);
}
