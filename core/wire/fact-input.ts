import { z } from 'zod';
import type { Fact, FactKinds } from './fact.ts';
import { suggestName } from './near-name.ts';
import { type FaultCode, type Faults, pointerToken } from './problem.ts';
import { nameSchema, timeSchema } from './reading-input.ts';
import { compareTimes, explainTime, isImplausible, type Precision, readTime } from './time.ts';
import { validate } from './validate.ts';

/** What a stream takes as facts. Made once a request. */
export interface FactRules {
  readonly kinds: FactKinds;
  /** The unit of times that are JSON integers. */
  readonly precision: Precision;
}

/** A fact that passed, with its times in nanoseconds. */
export type FactInput = Omit<Fact, 'stream' | 'received'>;

/** The contract of `POST /facts` for one stream. Facts may begin at any time: what is planned is known before it begins. */
export function factInputSchema({ kinds, precision }: FactRules) {
  const time = timeSchema.superRefine((value, context) => {
    const message = timeFault(value, precision);
    if (message !== undefined) context.addIssue({ code: 'custom', message, params: { fault: 'range' } });
  });
  return inputSchema(time).superRefine((fact, context) => {
    const known = Object.hasOwn(kinds, fact.kind) ? kinds[fact.kind] : undefined;
    if (known === undefined) {
      const message = `the stream has no facts of this kind; ${suggestName(fact.kind, Object.keys(kinds))}`;
      return context.addIssue({ code: 'custom', path: ['kind'], message, params: { fault: 'unknown' } });
    }
    for (const name of Object.keys(fact.values ?? {}))
      if (!known.includes(name)) {
        const hint = known.length > 0 ? suggestName(name, known) : 'it has none';
        const message = `facts of kind ${fact.kind} have no value of this name; ${hint}`;
        context.addIssue({ code: 'custom', path: ['values', name], message, params: { fault: 'unknown' } });
      }
    const [from, to] = [readTime(fact.from, precision), readTime(fact.to, precision)];
    if (from !== null && to !== null && compareTimes(to, from) <= 0)
      context.addIssue({
        ...{ code: 'custom', path: ['to'], message: 'it ends before it begins, or at once' },
        params: { fault: 'range' },
      });
  });
}

/** The same for any stream: kinds and names of values are open. */
export const anyFactInputSchema = () => inputSchema(timeSchema);

function inputSchema<Time extends z.ZodType>(time: Time) {
  return z
    .strictObject({
      subject: nameSchema.describe('what it is about: the device of readings'),
      kind: nameSchema.describe('the kind of fact, one of the stream'),
      from: time.describe('when it begins to hold; together with subject and kind its identity'),
      to: time.optional().describe('when it holds no more; absent: it still holds'),
      values: z
        .record(z.string(), z.number().nullable())
        .nullable()
        .optional()
        .describe('what it says, by the names of its kind; absent: nothing but that it holds; null deletes the fact'),
    })
    .meta({ title: 'FactInput' });
}

function timeFault(value: unknown, precision: Precision): string | undefined {
  const time = readTime(value, precision);
  if (time === null) return explainTime(value, precision);
  const isCount = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
  if (isCount && !time.startsWith('-') && isImplausible(time))
    return 'the time is in the first 21 days of 1970: is its unit right?';
  return undefined;
}

/**
 * Checks one fact that `JSON.parse` made. Reports everything that is wrong with it, at pointers below `at`.
 * @returns the fact, or undefined where something was wrong
 */
export function checkFact(
  input: unknown,
  schema: ReturnType<typeof factInputSchema>,
  { precision }: FactRules,
  at: string,
  faults: Faults,
): FactInput | undefined {
  const parsed = validate(schema, input, { reportInput: true });
  if (!parsed.success) {
    // An empty name breaks two rules; one of them is enough to know.
    const places = new Map(
      parsed.error.issues
        .toReversed()
        .map((issue) => [`${issue.code === 'unrecognized_keys'} ${issue.path.join('/')}`, issue]),
    );
    for (const issue of [...places.values()].reverse()) addIssue(issue, at, faults);
    return undefined;
  }
  const { subject, kind, from, to, values } = parsed.data;
  const end = readTime(to, precision);
  return {
    ...{ subject, kind, from: readTime(from, precision) ?? '' },
    ...(end !== null && { to: end }),
    values: values === undefined ? {} : values,
  };
}

function addIssue(issue: z.core.$ZodIssue, at: string, faults: Faults): void {
  const where = [at, ...issue.path.map((step) => pointerToken(String(step)))].join('/');
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys)
      faults.add(`${where}/${pointerToken(key)}`, 'unknown', 'a fact has the keys subject, kind, from, to, values');
    return;
  }
  faults.add(where, codeOf(issue), issue.input === undefined ? 'it is missing' : messageOf(issue));
}

function codeOf(issue: z.core.$ZodIssue): FaultCode {
  if (issue.code === 'custom') return (issue.params?.fault as FaultCode | undefined) ?? 'format';
  if (issue.input === undefined) return 'missing';
  if (typeof issue.input === 'number' && !Number.isFinite(issue.input)) return 'non-finite';
  return issue.code === 'invalid_type' || issue.code === 'invalid_union' ? 'type' : 'format';
}

const messageOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_union' ? 'a time is RFC 3339, a decimal string of nanoseconds, or an integer' : issue.message;
