import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeReading } from './decode-reading.ts';
import { Faults, pointerToken } from './problem.ts';
import { readingSchema } from './reading.ts';
import { checkReading, isName, maxNameLength, type ReadingRules, readingInputSchema } from './reading-input.ts';
import { type Precision, precisions } from './time.ts';
import { validate } from './validate.ts';

const fields = ['a', 'A', 'char_freq_;', 'x/y~z', '', 'constructor', '1'];
const rulesOf = (precision: Precision): ReadingRules => ({
  fields,
  known: new Set(fields),
  precision,
  latest: '1800000000000000000',
});

/** Values that come close: right, nearly right, and anything else that JSON can say. */
const name = fc.oneof(
  fc.constantFrom(
    'pump-1',
    '',
    'ü',
    '\ud800',
    'a\u0000',
    'a\\',
    '\u007f',
    'x'.repeat(maxNameLength),
    'x'.repeat(maxNameLength + 1),
  ),
  fc.string({ unit: 'binary' }),
);
const time = fc.oneof(
  fc.constantFrom(
    '2024-01-31T12:00:00Z',
    '2024-02-30T12:00:00Z',
    '1900-01-01T00:00:00Z',
    '2200-01-01T00:00:00Z',
    '-5',
    '1e3',
    '17',
  ),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
);
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(null, Number.POSITIVE_INFINITY, '1', true));
const knownNames = fc.constantFrom(...fields);
const strangeNames = fc.oneof(fc.constantFrom('__proto__', 'toString', 'B'), fc.string());
const values = fc.dictionary(fc.oneof({ weight: 6, arbitrary: knownNames }, strangeNames), number, { maxKeys: 5 });
const reading = fc.record(
  {
    device: fc.oneof({ weight: 5, arbitrary: name }, fc.jsonValue()),
    time: fc.oneof({ weight: 5, arbitrary: time }, fc.jsonValue()),
    values: fc.oneof({ weight: 9, arbitrary: values }, fc.jsonValue()),
    truth: fc.oneof({ weight: 5, arbitrary: name }, fc.jsonValue()),
    endsSegment: fc.oneof({ weight: 5, arbitrary: fc.boolean() }, fc.jsonValue()),
  },
  { requiredKeys: [] },
);
const strange = fc.dictionary(strangeNames, fc.jsonValue(), { maxKeys: 1 });
const goodReading = fc.record(
  {
    device: fc.constantFrom('pump-1', 'ü', 'x'.repeat(maxNameLength)),
    time: fc.constantFrom('2024-01-31T12:00:00Z', '17', 1),
    values: fc.dictionary(knownNames, fc.oneof(fc.integer(), fc.constant(null))),
    truth: fc.constant('ok'),
    endsSegment: fc.boolean(),
  },
  { requiredKeys: ['device', 'time', 'values'] },
);
const input = fc.oneof(
  { weight: 1, arbitrary: goodReading },
  { weight: 9, arbitrary: fc.tuple(reading, strange).map(([left, right]) => merge(left, right)) },
  fc.jsonValue(),
);

/** A merge that keeps a key named `__proto__` a key, as `JSON.parse` does. */
function merge(left: object, right: object): object {
  return Object.fromEntries([...Object.entries(left), ...Object.entries(right)]);
}

/** Objects with a `length` that compares with no number. */
const unorderable = ['{}', '{"toString":1,"valueOf":1}'].map((length) => {
  const odd: fc.JsonValue = JSON.parse(`{"length":${length}}`);
  return { device: odd, time: odd, values: { a: odd, '': 1, length: odd }, truth: odd, strange: odd };
});

test('the check by hand and the schema find the same places wrong', () => {
  let good = 0;
  fc.assert(
    fc.property(input, fc.constantFrom(...precisions), (value, precision) => {
      const rules = rulesOf(precision);
      const faults = new Faults();
      const checked = checkReading(value, rules, '/3', faults);
      const result = validate(readingInputSchema(rules), bare(value));
      expect(checked !== undefined).toBe(result.success);
      expect(pointersOf(faults)).toEqual(result.success ? [] : pointersOfIssues(result.error.issues));
      if (checked !== undefined) good += 1;
    }),
    { numRuns: 4_000, examples: unorderable.map((value): [object, Precision] => [value, 'ns']) },
  );
  expect(good).toBeGreaterThan(100);
});

/** zod looks names up in prototypes too and so finds a `constructor` in every object; data has no prototype. */
function bare(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, child] of Object.entries(value)) copy[key] = bare(child);
  return copy;
}

function pointersOf(faults: Faults): string[] {
  return [...new Set(faults.list.map(({ pointer }) => pointer))].sort();
}

type Issue = { readonly code?: string; readonly path: PropertyKey[]; readonly keys?: string[] };

function pointersOfIssues(issues: readonly Issue[]): string[] {
  const paths = issues.flatMap(({ path, keys }) => (keys === undefined ? [path] : keys.map((key) => [...path, key])));
  const pointers = paths.map((path) => `/3${path.map((token) => `/${pointerToken(String(token))}`).join('')}`);
  return [...new Set(pointers)].sort();
}

test('what passes is what was sent, with the time in nanoseconds', () => {
  const faults = new Faults();
  const sent = { device: 'd', time: 1_700_000_000, values: { a: 1, A: null }, truth: 'spam' };
  expect(checkReading(sent, rulesOf('s'), '', faults)).toEqual({ ...sent, time: '1700000000000000000' });
  expect(faults.count).toBe(0);
  const ends = (endsSegment: boolean) => checkReading({ ...sent, endsSegment }, rulesOf('s'), '', faults)?.endsSegment;
  expect([ends(true), ends(false)]).toEqual([true, undefined]);
});

test('a request full of faults is counted whole and listed in part', () => {
  const faults = new Faults(3);
  for (let index = 0; index < 10; index += 1) checkReading(index, rulesOf('ns'), `/${index}`, faults);
  expect(faults.list).toHaveLength(3);
  expect(faults.count).toBe(10);
  expect(faults.summary()).toContain('10 errors, the first 3 of which are listed');
});

test('a name is what a tag of line protocol can carry', () => {
  for (const good of ['a', 'pump 1', 'a,b=c', 'a\\b', 'Ü', '😀', 'x'.repeat(maxNameLength)])
    expect(isName(good)).toBe(true);
  for (const bad of ['', 'a\nb', '\t', 'a\\', '\u007f', '\ud800', '\udc00a', 'x'.repeat(maxNameLength + 1)]) {
    expect(isName(bad)).toBe(false);
  }
});

test('a reading of the log is read by hand exactly when the schema takes it', () => {
  const nanoseconds = fc.oneof(fc.bigInt().map(String), fc.constantFrom('-5', '1.5', '0'.repeat(20)), fc.integer());
  const travelling = fc.record(
    {
      ...{ stream: name, device: name, time: nanoseconds, values, truth: name, received: nanoseconds },
      endsSegment: fc.constantFrom(true, false, 1),
    },
    { requiredKeys: ['stream', 'device', 'time', 'values', 'received'] },
  );
  const any = fc.oneof(
    { weight: 5, arbitrary: travelling },
    fc.tuple(travelling, strange).map(([a, b]) => merge(a, b)),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(any, (value) => {
      // zod leaves a value named __proto__ out, unseen; by hand it is a value like any other.
      fc.pre(!JSON.stringify(value).includes('__proto__'));
      const text = JSON.stringify(value);
      const decoded = decodeReading(Buffer.from(text));
      expect(typeof decoded !== 'string').toBe(readingSchema.safeParse(JSON.parse(text)).success);
    }),
    { numRuns: 4_000 },
  );
});

test('a record that is no reading says why', () => {
  expect(decodeReading(Buffer.from([0xff]))).toBe('the record is not UTF-8');
  expect(decodeReading(Buffer.from('{'))).toMatch(/^the record is not JSON: /);
  expect(decodeReading(Buffer.from('[]'))).toBe('the record is []; expected an object');
  const text = '{"stream":"s","device":"d","time":"1","values":{"__proto__":"x"},"received":"1"}';
  expect(decodeReading(Buffer.from(text))).toBe('values["__proto__"]: found "x"; expected a finite number or null');
  expect(decodeReading(Buffer.from(text.replace('"x"', '1e999')))).toMatch(/found Infinity/);
  expect(decodeReading(Buffer.from(text.replace('"x"', '7')))).toMatchObject({ device: 'd' });
});
