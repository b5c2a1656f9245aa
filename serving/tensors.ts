import { z } from 'zod';
import type { Model, ModelOutput } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { unknownLabel } from '../core/wire/prediction.ts';
import { shorten } from '../core/wire/problem.ts';
import { BadRequest } from './protocol-error.ts';
import { boundElements, boundLists, boundResponse } from './request-bounds.ts';

/** Rows in one request, at most. */
export const maxRows = 10_000;

const numeric = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
];
const parameters = z.record(z.string(), z.unknown()).optional();

const requestSchema = z.object({
  id: z.string().optional(),
  parameters,
  inputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.int().min(0)),
      datatype: z.string(),
      parameters,
      data: z.array(z.unknown()),
    }),
  ),
  outputs: z.array(z.object({ name: z.string(), parameters })).optional(),
});

type Input = z.infer<typeof requestSchema>['inputs'][number];

const outputNames = ['label', 'probabilities', 'filled', 'sensitivity', 'classes'] as const;
type OutputName = (typeof outputNames)[number];
/** What a request gets that names no outputs. */
const defaultOutputs: readonly OutputName[] = ['label', 'probabilities', 'sensitivity'];

export interface InferRequest {
  readonly id: string | undefined;
  readonly rows: Rows;
  /** Each once. */
  readonly outputs: readonly OutputName[];
}

/**
 * Reads an inference request: one tensor of shape [rows, fields], or a tensor of shape [rows] for each field, by name. `null` is a
 * gap, and so is a field that is left out.
 * @throws {BadRequest}
 */
export function readRequest(body: unknown, model: Pick<Model, 'fields' | 'classes'>): InferRequest {
  const { fields } = model;
  boundLists(body, fields);
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BadRequest(`${issue?.path.join('.') || 'the request'}: ${issue?.message}`);
  }
  const { id, inputs, outputs } = parsed.data;
  for (const input of inputs) checkInput(input);
  const [first] = inputs;
  if (first === undefined) throw new BadRequest('inputs: expected at least one tensor');
  const [count, width] = first.shape;
  if (count === undefined) throw new BadRequest(`${quote(first)}: shape []; expected [rows] or [rows, fields]`);
  if (count < 1 || count > maxRows) throw new BadRequest(`${quote(first)}: ${count} rows; expected 1 to ${maxRows}`);
  boundElements(count, model);
  const chosen = chooseOutputs(outputs);
  boundResponse(count, elementsPerRow(chosen, model));
  const values = new Float64Array(count * fields.length).fill(Number.NaN);
  const isWhole = inputs.length === 1 && first.shape.length === 2 && width === fields.length;
  if (isWhole) fill(first, values, 0, 1);
  else fillByField(inputs, fields, count, values);
  return { id, rows: rowsOf(values, count, fields.length), outputs: chosen };
}

/** An empty list is as none: the protocol returns every output then. */
function chooseOutputs(outputs: readonly { readonly name: string }[] = []): readonly OutputName[] {
  if (outputs.length === 0) return defaultOutputs;
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
    classes: 0,
  };
  return outputs.reduce((sum, name) => sum + sizes[name], 1);
}

const quote = ({ name }: Input): string => `inputs ${JSON.stringify(shorten(name))}`;

function checkInput(input: Input): void {
  if (numeric.includes(input.datatype)) return;
  throw new BadRequest(`${quote(input)}: datatype ${shorten(input.datatype)}; expected one of ${numeric.join(', ')}`);
}

function fillByField(inputs: readonly Input[], fields: readonly string[], count: number, values: Float64Array): void {
  const seen = new Set<string>();
  for (const input of inputs) {
    const column = fields.indexOf(input.name);
    if (column < 0) {
      const hint = `expected one tensor of shape [rows, ${fields.length}], or tensors named like fields of the model`;
      throw new BadRequest(`${quote(input)} of shape [${input.shape}]: ${hint}`);
    }
    if (seen.has(input.name)) throw new BadRequest(`${quote(input)} is there twice`);
    seen.add(input.name);
    const [rows, ...rest] = input.shape;
    if (rows !== count || rest.some((size) => size !== 1))
      throw new BadRequest(`${quote(input)}: shape [${input.shape}]; expected [${count}] as the first input has`);
    fill(input, values, column, fields.length);
  }
}

/** Copies a tensor's data, flat or nested row by row, to every `stride`-th position. */
function fill(input: Input, values: Float64Array, start: number, stride: number): void {
  const size = input.shape.reduce((product, dimension) => product * dimension, 1);
  let at = 0;
  const take = (data: readonly unknown[], depth: number): void => {
    for (const element of data) {
      if (Array.isArray(element) && depth < input.shape.length) take(element, depth + 1);
      else {
        if (at < size) values[start + at * stride] = numberOf(element, input, at);
        at += 1;
      }
    }
  };
  take(input.data, 1);
  if (at !== size) throw new BadRequest(`${quote(input)}: ${at} elements; shape [${input.shape}] has ${size}`);
}

function numberOf(element: unknown, input: Input, at: number): number {
  if (element === null) return Number.NaN;
  if (typeof element === 'boolean' && input.datatype === 'BOOL') return element ? 1 : 0;
  if (typeof element === 'number' && Number.isFinite(element)) return element;
  throw new BadRequest(
    `${quote(input)}: element ${at} is ${describeElement(element)}; expected a finite number, or null for a gap`,
  );
}

/** Lists and objects are named by their kind only: they may nest deeper than any stack. */
function describeElement(element: unknown): string {
  if (typeof element === 'string') return JSON.stringify(shorten(element, 40));
  if (Array.isArray(element)) return 'a list';
  return typeof element === 'object' ? 'an object' : String(element);
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
  readonly datatype: 'BYTES' | 'FP64';
  readonly data: readonly (string | number | null)[];
}

/** The model's output in the protocol's format. */
export function writeResponse(model: Model, request: InferRequest, output: ModelOutput) {
  const { identity, classes } = model;
  const { count, width } = request.rows;
  const { sensitivity } = output;
  const tensors: Record<OutputName, () => Tensor | undefined> = {
    label: () =>
      bytes(
        'label',
        Array.from(output.labels, (label) => classes[label] ?? unknownLabel),
      ),
    probabilities: () => floats('probabilities', [count, classes.length], output.probabilities),
    filled: () => floats('filled', [count, width], output.filled),
    sensitivity: () => sensitivity && floats('sensitivity', [count], sensitivity),
    classes: () => bytes('classes', classes),
  };
  return {
    model_name: identity.name,
    model_version: String(identity.version),
    ...(request.id !== undefined && { id: request.id }),
    outputs: request.outputs.flatMap((name) => tensors[name]() ?? []),
  };
}

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

/** A model's inputs and outputs in the protocol's format. Lists travel as JSON in `parameters`, whose values are scalars. */
export function describeModel({ identity, fields, classes }: Model) {
  const list = (names: readonly string[]) => JSON.stringify(names);
  return {
    name: identity.name,
    versions: [String(identity.version)],
    platform: 'gapline',
    inputs: [
      {
        name: 'values',
        datatype: 'FP64',
        shape: [-1, fields.length],
        parameters: { fields: list(fields), nulls: true },
      },
    ],
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
