import { z } from 'zod';
import { suggestName } from './near-name.ts';
import { type Faults, pointerToken } from './problem.ts';
import {
  checkEnd,
  checkName,
  checkTime,
  describe,
  endsSegmentInputSchema,
  explainRefusedTime,
  isObject,
  nameSchema,
  type ReadingRules,
  timeSchema,
  timeSchemaOf,
} from './reading-input.ts';
import { sampleOffsetNs } from './sample-offset.ts';
import { maxSampleValues, rateSchema, type Samples, sampleCount } from './samples.ts';
import { readTime } from './time.ts';

/** Samples that passed, as the device sent them, with the time in nanoseconds. */
export type SamplesInput = Pick<Samples, 'device' | 'time' | 'rate' | 'values'> & {
  readonly truth: string | undefined;
  readonly endsSegment: true | undefined;
};

const keys = ['device', 'time', 'rate', 'values', 'truth', 'endsSegment'];
/** Faults of one request for which a near name is searched. */
const mostHints = 10;
const tooMany = `a record has at most ${maxSampleValues} numbers over all its values; send several`;
const none = 'a record of samples has at least one';

/** Whether a device sent many samples in one record: it then names their rate. */
export const isSamplesInput = (input: unknown): boolean => isObject(input) && input.rate !== undefined;

/** The contract of many samples in one record of `POST /readings`, as a schema; {@link checkSamples} checks the same by hand. */
export function samplesInputSchema(rules: ReadingRules) {
  const shape = Object.fromEntries(rules.fields.map((name) => [name, columnSchema.optional()]));
  const values = z.strictObject(shape).refine((columns) => sizeFault(columns) === undefined, {
    when: isSound,
    error: ({ input }) => sizeFault(input as Record<string, unknown>) ?? none,
  });
  const lateness = ({ time, rate, values: columns }: { time: unknown; rate: number; values: object }) =>
    lastFault(readTime(time, rules.precision) ?? '0', rate, columns as Samples['values'], rules);
  return inputSchema(timeSchemaOf(rules), values).refine((input) => lateness(input) === undefined, {
    when: isSound,
    path: ['time'],
    error: ({ input }) => lateness(input as Parameters<typeof lateness>[0]) ?? '',
  });
}

/** Some checks are of what is sound so far. */
const isSound = ({ issues }: { readonly issues: readonly unknown[] }): boolean => issues.length === 0;

/** The same for any stream. */
export function anySamplesInputSchema() {
  return inputSchema(timeSchema, z.record(z.string(), columnSchema));
}

const columnSchema = z.array(z.number().nullable());

function inputSchema<Time extends z.ZodType, Values extends z.ZodType>(time: Time, values: Values) {
  return z
    .strictObject({
      device: nameSchema.describe('who measured'),
      time: time.describe('of the first sample: from 1970 on; the last one at most an hour ahead of the collector'),
      rate: rateSchema,
      values: values.describe(
        'what was measured, sample by sample, by the names of the stream; null is a gap; an array may end earlier than the longest',
      ),
      truth: nameSchema.optional().describe('the true label of all samples, when the device knows it'),
      endsSegment: endsSegmentInputSchema,
    })
    .meta({ title: 'SamplesInput' });
}

/**
 * Checks a record of many samples that `JSON.parse` made. Reports everything that is wrong with it, at pointers below `at`.
 * @returns the samples, or undefined when something was wrong
 */
export function checkSamples(
  input: unknown,
  rules: ReadingRules,
  at: string,
  faults: Faults,
): SamplesInput | undefined {
  if (!isObject(input)) {
    faults.add(at, 'type', `samples are an object, not ${describe(input)}`);
    return undefined;
  }
  const before = faults.count;
  for (const key in input)
    if (!keys.includes(key))
      faults.add(`${at}/${pointerToken(key)}`, 'unknown', `samples have the keys ${keys.join(', ')}`);
  const time = checkTime(input, rules, at, faults);
  checkName(input, 'device', at, faults);
  if (input.truth !== undefined) checkName(input, 'truth', at, faults);
  const endsSegment = checkEnd(input.endsSegment, at, faults);
  checkRate(input.rate, at, faults);
  checkColumns(input.values, rules, at, faults);
  if (faults.count > before) return undefined;
  const { device, rate, values, truth } = input as unknown as SamplesInput;
  const late = lastFault(time as string, rate, values, rules);
  if (late === undefined) return { device, time: time as string, rate, values, truth, endsSegment };
  faults.add(`${at}/time`, 'range', late);
  return undefined;
}

function checkRate(rate: unknown, at: string, faults: Faults): void {
  const sound = typeof rate === 'number' && rate >= 1e-6 && rate <= 1e6;
  if (sound) return;
  const code = rate === undefined ? 'missing' : typeof rate === 'number' ? 'range' : 'type';
  faults.add(`${at}/rate`, code, `rate is samples a second, 0.000001 to 1000000, not ${describe(rate)}`);
}

function checkColumns(values: unknown, rules: ReadingRules, at: string, faults: Faults): void {
  if (!isObject(values)) {
    faults.add(`${at}/values`, values === undefined ? 'missing' : 'type', `values is an object of arrays`);
    return;
  }
  const before = faults.count;
  for (const name in values) {
    const where = `${at}/values/${pointerToken(name)}`;
    const column = values[name];
    if (!rules.known.has(name)) {
      rules.unknown?.(name);
      const hint = faults.count < mostHints ? `; ${suggestName(name, rules.fields)}` : '';
      faults.add(where, 'unknown', `the stream has no value of this name${hint}`);
    } else if (Array.isArray(column)) checkColumn(column, where, faults);
    else faults.add(where, 'type', `with a rate, a value is an array of numbers and null, not ${describe(column)}`);
  }
  if (faults.count > before) return;
  const fault = sizeFault(values);
  if (fault !== undefined) faults.add(`${at}/values`, fault === none ? 'missing' : 'range', fault);
}

function checkColumn(column: readonly unknown[], where: string, faults: Faults): void {
  for (let index = 0; index < column.length; index++) {
    const value = column[index];
    if (value === null || Number.isFinite(value)) continue;
    const code = typeof value === 'number' ? 'non-finite' : 'type';
    faults.add(`${where}/${index}`, code, `a sample is a finite number or null, not ${describe(value)}`);
  }
}

function sizeFault(columns: Readonly<Record<string, unknown>>): string | undefined {
  let numbers = 0;
  let most = 0;
  for (const name in columns) {
    const column = columns[name];
    if (!Array.isArray(column)) continue;
    numbers += column.length;
    most = Math.max(most, column.length);
  }
  if (most === 0) return none;
  return numbers > maxSampleValues ? tooMany : undefined;
}

/** Why the time of the last sample is refused. The first was checked before. */
function lastFault(
  first: string,
  rate: number,
  values: Samples['values'],
  { latest }: ReadingRules,
): string | undefined {
  const last = BigInt(first) + BigInt(sampleOffsetNs(sampleCount(values) - 1, rate));
  const refused = explainRefusedTime(last.toString(), latest, undefined);
  return refused && `of the last sample, ${refused}`;
}
