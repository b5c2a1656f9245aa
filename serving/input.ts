import { z } from 'zod';
import { shorten } from '../core/wire/problem.ts';
import { BadRequest } from './protocol-error.ts';

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
export const parametersSchema = z.record(z.string(), z.unknown()).optional();

export const inputSchema = z.object({
  name: z.string(),
  shape: z.array(z.int().min(0)),
  datatype: z.string(),
  parameters: parametersSchema,
  data: z.array(z.unknown()),
});

/** A tensor of a request. */
export type Input = z.infer<typeof inputSchema>;

export const quote = ({ name }: Input): string => `inputs ${JSON.stringify(shorten(name))}`;

/** Fills columns of rows from a tensor for each field, by name. @param shape - of each of them, but for sizes of one behind it */
export function fillByField(
  inputs: readonly Input[],
  fields: readonly string[],
  shape: readonly number[],
  values: Float64Array,
): void {
  const seen = new Set<string>();
  for (const input of inputs) {
    const column = fields.indexOf(input.name);
    if (column < 0) {
      const whole = shape.length === 1 ? `rows, ${fields.length}` : `windows, samples, ${fields.length}`;
      const hint = `expected one tensor of shape [${whole}], or tensors named like fields of the model`;
      throw new BadRequest(`${quote(input)} of shape [${input.shape}]: ${hint}`);
    }
    if (seen.has(input.name)) throw new BadRequest(`${quote(input)} is there twice`);
    seen.add(input.name);
    const fits = shape.every((size, at) => input.shape[at] === size);
    if (!fits || input.shape.slice(shape.length).some((size) => size !== 1))
      throw new BadRequest(`${quote(input)}: shape [${input.shape}]; expected [${shape}] as the first input has`);
    fill(input, values, column, fields.length);
  }
}

/** Copies a tensor's data, flat or nested row by row, to every `stride`-th position. @throws {BadRequest} */
export function fill(input: Input, values: Float64Array, start: number, stride: number): void {
  if (!numeric.includes(input.datatype))
    throw new BadRequest(`${quote(input)}: datatype ${shorten(input.datatype)}; expected one of ${numeric.join(', ')}`);
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
