import { z } from 'zod';
import { HttpProblem, isSendersFault } from '../../core/http/problem.ts';
import { type Model, readingFields } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import { sampleCount } from '../../core/wire/samples.ts';
import { readRows, rowsSchema } from './rows.ts';
import { readWindows, windowRateSchema, windowsSchema } from './windows.ts';

/** What a request may want labels for: `rows` or `windows`, whichever the model takes. */
export const inputShape = {
  rows: rowsSchema.optional(),
  windows: windowsSchema.optional(),
  rate: windowRateSchema,
};
export const inputSchema = z.strictObject(inputShape);
export type Input = z.infer<typeof inputSchema>;

/** What a model makes its rows of. */
export type Taken = 'rows' | 'windows';

export const takenBy = ({ steps }: Pick<Model, 'steps'>): Taken =>
  steps && !steps.chain.facts && !steps.chain.byRow ? 'windows' : 'rows';

/** What serves a stream, and what a request for its labels has to hold. */
export interface ServedVersion {
  readonly model: { readonly name: string; readonly version: number };
  readonly takes: Taken;
  /** Of a row; of a sample of a window. */
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  /** Samples a second that the model was trained with, and samples of a window at that rate; null where it knows none. */
  readonly rate: number | null;
  readonly windowSamples: number | null;
}

export function describeModel(model: Model): ServedVersion {
  const { identity, classes, steps } = model;
  const { rate, windows } = steps && !steps.chain.facts ? steps.chain.shape : {};
  return {
    model: { name: identity.name, version: identity.version },
    takes: takenBy(model),
    fields: steps?.chain.facts ? model.fields : readingFields(model),
    classes,
    rate: rate ?? null,
    windowSamples: rate !== undefined && windows ? Math.round((windows.lengthNs / 1e9) * rate) : null,
  };
}

/**
 * The model's rows of what a request has.
 * @throws {HttpProblem} `request-invalid` where that is not what the model takes
 */
export function readInput(model: Model, { rows, windows, rate }: Input): Rows {
  const { steps } = model;
  const taken = takenBy(model);
  if (taken === 'rows' && rows && !windows) return readRows(model, rows);
  if (taken === 'windows' && windows && !rows && steps) return readWindows({ ...model, steps }, windows, rate);
  throw takesOther(taken);
}

export const takesOther = (taken: Taken): HttpProblem =>
  new HttpProblem('request-invalid', `the model of this stream takes ${taken}, and nothing else beside them`, {
    errors: [{ pointer: `/${taken}`, code: 'missing', detail: 'what is to be labelled' }],
  });

/** Rows that are labelled before other requests have their turn. */
const mostRows = 250;
/** The same for the numbers of windows, over all their channels. */
const mostNumbers = 100_000;

/** A part of a request. */
export interface Part {
  readonly input: Input;
  /** The place of its first row or window in the request. */
  readonly first: number;
}

/** Parts of a large request, each small enough that other requests need not wait long. */
export function* partsOf({ rows = [], windows = [], rate }: Input): Generator<Part> {
  for (let first = 0; first < rows.length; first += mostRows)
    yield { input: { rows: rows.slice(first, first + mostRows), rate }, first };
  let [first, numbers] = [0, 0];
  for (const [at, window] of windows.entries()) {
    numbers += numbersOf(window);
    const end = at + 1;
    if (end < windows.length && end - first < mostRows && numbers < mostNumbers) continue;
    yield { input: { windows: windows.slice(first, end), rate }, first };
    [first, numbers] = [end, 0];
  }
}

/**
 * What is wrong with a part, with the places of the request: of the part it names its first ones anew.
 * @param placeOf - where a row or window of the part is in the request
 */
export function inRequest(error: unknown, placeOf: (at: number) => number): unknown {
  if (!isSendersFault(error)) return error;
  const moved = (pointer: string) =>
    pointer.replace(/^\/(rows|windows)\/(\d+)/, (_, of: string, at: string) => `/${of}/${placeOf(Number(at))}`);
  const faults = error instanceof HttpProblem ? error.errors : [];
  const [named] = faults;
  const detail = named
    ? error.message.replace(named.pointer, () => moved(named.pointer))
    : error.message.replace(
        /^((?:the samples of )?window )(\d+):/,
        (_, of: string, at: string) => `${of}${placeOf(Number(at))}:`,
      );
  return new HttpProblem(error.code, detail, {
    errors: faults.map((fault) => ({ ...fault, pointer: moved(fault.pointer) })),
    cause: error,
  });
}

const numbersOf = ({ values }: NonNullable<Input['windows']>[number]): number =>
  sampleCount(values) * Object.keys(values).length;

export const sizeOf = ({ rows, windows }: Input): number => (rows ?? windows ?? []).length;

/** Whether it is labelled while the client waits; of more a task is made. */
export function isSmall({ rows = [], windows = [] }: Input): boolean {
  const numbers = windows.reduce((sum, window) => sum + numbersOf(window), 0);
  return rows.length <= 4 * mostRows && windows.length <= 4 * mostRows && numbers <= 2 * mostNumbers;
}
