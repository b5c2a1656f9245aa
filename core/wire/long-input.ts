import { z } from 'zod';
import { suggestName } from './near-name.ts';
import { type Faults, pointerToken } from './problem.ts';
import {
  anyReadingInputSchema,
  checkEnd,
  checkName,
  checkTime,
  describe,
  isObject,
  type ReadingInput,
  type ReadingRules,
  timeSchemaOf,
} from './reading-input.ts';

const keys = ['device', 'time', 'parameter', 'value', 'truth', 'endsSegment'];

/** A reading in long form: one value, with its name beside it. */
export interface LongInput extends ReadingInput {
  /** The name of its value. */
  readonly parameter: string;
}

/** Whether a JSON value of a request means to be a reading in long form. */
export const isLongInput = (input: unknown): boolean => isObject(input) && 'parameter' in input;

/** The contract of one of `POST /readings` in long form, for one stream. {@link checkLong} checks the same by hand. */
export function longInputSchema(rules: ReadingRules) {
  const parameter = z
    .string()
    .refine((name) => rules.known.has(name), { error: 'the stream has no value of this name' });
  return longSchema(timeSchemaOf(rules), parameter.meta({ enum: [...rules.fields] }));
}

/** The same for any stream. */
export function anyLongInputSchema() {
  return longSchema(anyReadingInputSchema().shape.time, z.string());
}

function longSchema<Time extends z.ZodType, Parameter extends z.ZodType>(time: Time, parameter: Parameter) {
  const { device, truth, endsSegment } = anyReadingInputSchema().shape;
  return z
    .strictObject({
      device,
      time: time.describe('when it was measured: from 1970 on, and at most an hour ahead of the collector'),
      parameter: parameter.describe('the name of the value'),
      value: z.number().nullable().describe('what was measured; null is a gap'),
      truth,
      endsSegment,
    })
    .meta({ title: 'LongInput' });
}

/**
 * Checks one reading in long form and turns it into one with values. Reports everything that is wrong with it, at pointers below `at`.
 * @returns the reading, or undefined when something was wrong
 */
export function checkLong(input: unknown, rules: ReadingRules, at: string, faults: Faults): LongInput | undefined {
  if (!isObject(input)) return undefined;
  const before = faults.count;
  for (const key in input)
    if (!keys.includes(key))
      faults.add(`${at}/${pointerToken(key)}`, 'unknown', `a reading with a parameter has the keys ${keys.join(', ')}`);
  const time = checkTime(input, rules, at, faults);
  checkName(input, 'device', at, faults);
  if (input.truth !== undefined) checkName(input, 'truth', at, faults);
  const endsSegment = checkEnd(input.endsSegment, at, faults);
  const { parameter, value } = input;
  if (typeof parameter !== 'string')
    faults.add(`${at}/parameter`, 'type', `a parameter is the name of a value, not ${describe(parameter)}`);
  else if (!rules.known.has(parameter)) {
    rules.unknown?.(parameter);
    const hint = suggestName(parameter, rules.fields);
    faults.add(`${at}/parameter`, 'unknown', `the stream has no value of this name; ${hint}`);
  }
  if (value === undefined) faults.add(`${at}/value`, 'missing', 'a reading with a parameter has a value');
  else if (typeof value === 'number') {
    if (!Number.isFinite(value)) faults.add(`${at}/value`, 'non-finite', 'the number is beyond what a double can hold');
  } else if (value !== null) faults.add(`${at}/value`, 'type', `a value is a number or null, not ${describe(value)}`);
  if (faults.count > before) return undefined;
  const name = parameter as string;
  return {
    device: input.device as string,
    time: time as string,
    values: Object.fromEntries([[name, value as number | null]]),
    truth: input.truth as string | undefined,
    endsSegment,
    parameter: name,
  };
}
