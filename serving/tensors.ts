import { z } from 'zod';
import { type Model, type ModelOutput, readingFields } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { unknownLabel } from '../core/wire/prediction.ts';
import { shorten } from '../core/wire/problem.ts';
import { validate } from '../core/wire/validate.ts';
import { deviceInput, readDevice } from './device-rows.ts';
import { fill, fillByField, type Input, inputSchema, parametersSchema as parameters, quote } from './input.ts';
import { BadRequest } from './protocol-error.ts';
import { boundElements, boundLists, boundResponse, maxRows } from './request-bounds.ts';
import { describeSamples, rowsOfWindows, timeInput } from './windows.ts';

const requestSchema = z.object({
  id: z.string().optional(),
  parameters,
  inputs: z.array(inputSchema),
  outputs: z.array(z.object({ name: z.string(), parameters })).optional(),
});

const outputNames = [
  'label',
  'probabilities',
  'filled',
  'sensitivity',
  'spread',
  'classes',
  'values',
  'gaps',
  'facts',
  'time',
] as const;
type OutputName = (typeof outputNames)[number];
/** What a request gets that names no outputs. */
const defaultOutputs: readonly OutputName[] = ['label', 'probabilities', 'sensitivity', 'spread'];
/** The same, where it names a device: what the state gave is not known to who asks. */
const outputsOfDevice: readonly OutputName[] = [...defaultOutputs, 'values', 'gaps', 'facts', 'time'];

interface Requested {
  readonly id: string | undefined;
  /** Each once. */
  readonly outputs: readonly OutputName[];
}

export interface InferRequest extends Requested {
  readonly rows: Rows;
  /** Where the row is that of a device in the state of the line. */
  readonly origin?: { readonly time: string; readonly facts: Readonly<Record<string, string>> };
}

/** A request that names a device of the line, and sends no values. */
export interface DeviceRequest extends Requested {
  readonly device: string;
  readonly atNs: bigint | undefined;
}

/**
 * Reads an inference request: one tensor of shape [rows, fields], or a tensor of shape [rows] for each field, by name. A model with
 * steps takes samples instead: see {@link rowsOfWindows}. `null` is a gap, and so is a field that is left out.
 * @throws {BadRequest}
 */
export function readRequest(body: unknown, model: Pick<Model, 'fields' | 'classes' | 'steps'>): InferRequest {
  const steps = sampledBy(model);
  boundLists(body, steps ? [...readingFields(model), timeInput] : model.fields);
  const { id, inputs, outputs, parameters: stated } = parse(body);
  const chosen = chooseOutputs(outputs, defaultOutputs);
  const rows = steps ? rowsOfWindows(inputs, stated?.rate, { ...model, steps }) : rowsOfTensors(inputs, model);
  boundResponse(rows.count, elementsPerRow(chosen, model));
  return { id, rows, outputs: chosen };
}

/** Reads a request for which {@link namesDevice} holds. @throws {BadRequest} */
export function readDeviceRequest(body: unknown): DeviceRequest {
  boundLists(body, [deviceInput, timeInput]);
  const { id, inputs, outputs } = parse(body);
  return { id, outputs: chooseOutputs(outputs, outputsOfDevice), ...readDevice(inputs) };
}

function parse(body: unknown): z.infer<typeof requestSchema> {
  const parsed = validate(requestSchema, body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadRequest(`${issue?.path.join('.') || 'the request'}: ${issue?.message}`);
}

/**
 * The steps that make rows of samples, if a request can carry what they need. Facts it cannot carry: whoever asks such a model sends the
 * values that it predicts from.
 */
const sampledBy = ({ steps }: Pick<Model, 'steps'>) => (steps?.chain.facts ? undefined : steps);

function rowsOfTensors(inputs: readonly Input[], model: Pick<Model, 'fields' | 'classes'>): Rows {
  const { fields } = model;
  const [first] = inputs;
  if (first === undefined) throw new BadRequest('inputs: expected at least one tensor');
  const [count, width] = first.shape;
  if (count === undefined) throw new BadRequest(`${quote(first)}: shape []; expected [rows] or [rows, fields]`);
  if (count < 1 || count > maxRows) throw new BadRequest(`${quote(first)}: ${count} rows; expected 1 to ${maxRows}`);
  boundElements(count, model);
  const values = new Float64Array(count * fields.length).fill(Number.NaN);
  const isWhole = inputs.length === 1 && first.shape.length === 2 && width === fields.length;
  if (isWhole) fill(first, values, 0, 1);
  else fillByField(inputs, fields, [count], values);
  return rowsOf(values, count, fields.length);
}

/** An empty list is as none: the protocol returns every output then. */
function chooseOutputs(
  outputs: readonly { readonly name: string }[] = [],
  others: readonly OutputName[],
): readonly OutputName[] {
  if (outputs.length === 0) return others;
  return [...new Set(outputs.map(({ name }) => outputOf(name)))];
}

function elementsPerRow(
  outputs: readonly OutputName[],
  { fields, classes }: Pick<Model, 'fields' | 'classes'>,
): number {
  const sizes: Record<OutputName, number> = {
    label: 1,
    probabilities: classes.length,
    filled: fields.length,
    sensitivity: 1,
    spread: 1,
    classes: 0,
    values: fields.length,
    gaps: 1,
    facts: 0,
    time: 0,
  };
  return outputs.reduce((sum, name) => sum + sizes[name], 1);
}

function outputOf(name: string): OutputName {
  const known = outputNames.find((candidate) => candidate === name);
  if (known) return known;
  throw new BadRequest(`outputs ${JSON.stringify(shorten(name))}: expected one of ${outputNames.join(', ')}`);
}

/** Each row is a device of its own, so that none is filled from another, and nothing is remembered between requests. */
const rowsOf = (values: Float64Array, count: number, width: number): Rows => ({
  count,
  width,
  values,
  devices: Array.from({ length: count }, (_, row) => `row ${row}`),
  times: new BigInt64Array(count),
});

interface Tensor {
  readonly name: OutputName;
  readonly shape: readonly number[];
  readonly datatype: 'BYTES' | 'FP64' | 'INT64';
  readonly data: readonly (string | number | null)[];
}

/** The model's output in the protocol's format. */
export function writeResponse(model: Model, request: InferRequest, output: ModelOutput) {
  const { identity, classes } = model;
  const { origin, rows } = request;
  const { count, width, values } = rows;
  const { sensitivity, spread } = output;
  const tensors: Record<OutputName, () => Tensor | undefined> = {
    label: () =>
      bytes(
        'label',
        Array.from(output.labels, (label) => classes[label] ?? unknownLabel),
      ),
    probabilities: () => floats('probabilities', [count, classes.length], output.probabilities),
    filled: () => floats('filled', [count, width], output.filled),
    sensitivity: () => sensitivity && floats('sensitivity', [count], sensitivity),
    spread: () => spread && floats('spread', [count], spread),
    classes: () => bytes('classes', classes),
    values: () => floats('values', [count, width], values),
    gaps: () => ({ name: 'gaps', shape: [count], datatype: 'INT64', data: gapsOf(rows) }),
    facts: () => origin && bytes('facts', [JSON.stringify(origin.facts)]),
    time: () => origin && bytes('time', [origin.time]),
  };
  return {
    model_name: identity.name,
    model_version: String(identity.version),
    ...(request.id !== undefined && { id: request.id }),
    outputs: request.outputs.flatMap((name) => tensors[name]() ?? []),
  };
}

const gapsOf = ({ count, width, values }: Rows): number[] =>
  Array.from(
    { length: count },
    (_, row) => values.subarray(row * width, (row + 1) * width).filter(Number.isNaN).length,
  );

const bytes = (name: OutputName, data: readonly string[]): Tensor => ({
  name,
  shape: [data.length],
  datatype: 'BYTES',
  data,
});

/** A gap that the model did not fill is null. */
const floats = (name: OutputName, shape: readonly number[], data: Float64Array): Tensor => ({
  name,
  shape,
  datatype: 'FP64',
  data: Array.from(data, (value) => (Number.isFinite(value) ? value : null)),
});

const list = (names: readonly string[]) => JSON.stringify(names);

/** A model's inputs and outputs in the protocol's format. Lists travel as JSON in `parameters`, whose values are scalars. */
export function describeModel(model: Model) {
  const { identity, fields, classes, series } = model;
  const steps = sampledBy(model);
  const parameters = { fields: list(fields), nulls: true, ...(series && { series: true }) };
  const values = { name: 'values', datatype: 'FP64', shape: [-1, fields.length], parameters };
  return {
    name: identity.name,
    versions: [String(identity.version)],
    platform: 'gapline',
    inputs: steps ? describeSamples({ ...model, steps }) : [values],
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      {
        name: 'probabilities',
        datatype: 'FP64',
        shape: [-1, classes.length],
        parameters: { classes: list(classes) },
      },
    ],
  };
}
