import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecord, isSamples } from './decode-samples.ts';
import { Faults, pointerToken } from './problem.ts';
import { readingSchema } from './reading.ts';
import type { ReadingRules } from './reading-input.ts';
import { sampleOffsetNs } from './sample-offset.ts';
import { maxSampleValues, sampleCount, samplesSchema } from './samples.ts';
import { checkSamples, samplesInputSchema } from './samples-input.ts';

const fields = ['x', 'X', 'y;', ''];
const rules: ReadingRules = { fields, known: new Set(fields), precision: 'ms', latest: '1800000000000000000' };

const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(null, Number.POSITIVE_INFINITY, '1', true));
const good = fc.array(fc.oneof(fc.integer(), fc.constant(null)), { minLength: 1, maxLength: 4 });
const column = fc.oneof({ weight: 6, arbitrary: good }, fc.array(number, { maxLength: 3 }), number);
const columns = fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...fields) }, fc.string()), column, {
  maxKeys: 3,
});
const rate = fc.oneof(fc.constantFrom(1_000, 1e-6, 1e6, 0, -1, '5', null), fc.double());
const time = fc.constantFrom('2026-01-31T12:00:00Z', 1_767_225_600_000, 1_799_999_999_999, '17', 'now', -5, null);
const input = fc.record(
  {
    device: fc.constantFrom('motor-1', '', 7),
    time,
    rate,
    values: fc.oneof({ weight: 9, arbitrary: columns }, fc.jsonValue()),
    truth: fc.constantFrom('ok', '', null),
    endsSegment: fc.constantFrom(true, false, null, 'yes'),
    more: fc.constant(1),
  },
  { requiredKeys: [] },
);
const sound = fc.record({
  device: fc.constant('motor-1'),
  time: fc.constantFrom('2026-01-31T12:00:00Z', 1_799_999_999_999),
  rate: fc.constantFrom(1_000, 1e-6, 0.5),
  values: fc.dictionary(fc.constantFrom(...fields), good, { minKeys: 1, maxKeys: 3 }),
  endsSegment: fc.boolean(),
});

test('the check by hand and the schema find the same places wrong', () => {
  let passed = 0;
  let late = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 2, arbitrary: input }, sound, fc.jsonValue()), (value) => {
      const faults = new Faults();
      const checked = checkSamples(value, rules, '/3', faults);
      const result = samplesInputSchema(rules).safeParse(value);
      expect(checked !== undefined).toBe(result.success);
      const found = result.success ? [] : result.error.issues.flatMap(pointersOf);
      expect([...new Set(faults.list.map(({ pointer }) => pointer))].sort()).toEqual([...new Set(found)].sort());
      if (checked) passed += 1;
      if (faults.list.some(({ detail }) => detail.startsWith('of the last sample'))) late += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(passed).toBeGreaterThan(100);
  expect(late).toBeGreaterThan(10);
});

type Issue = { readonly path: readonly PropertyKey[]; readonly keys?: readonly string[] };

function pointersOf({ path, keys }: Issue): string[] {
  const paths = keys === undefined ? [path] : keys.map((key) => [...path, key]);
  return paths.map((each) => `/3${each.map((token) => `/${pointerToken(String(token))}`).join('')}`);
}

test('a record of too many numbers is refused, and so is one of none', () => {
  const half = new Array<number>(maxSampleValues / 2).fill(1);
  const faultsOf = (values: Record<string, number[]>) => {
    const faults = new Faults();
    checkSamples({ device: 'd', time: '2026-01-31T12:00:00Z', rate: 1e6, values }, rules, '', faults);
    return faults.list.map(({ pointer, code }) => `${pointer} ${code}`);
  };
  expect(faultsOf({ x: half, X: half })).toEqual([]);
  expect(faultsOf({ x: half, X: [...half, 1] })).toEqual(['/values range']);
  expect(faultsOf({ x: [], X: [] })).toEqual(['/values missing']);
});

test('a record of the log is read by hand exactly when one of the schemas takes it', () => {
  const nanoseconds = fc.constantFrom('0', '-5', '1700000000000000000', '1.5', 3);
  const record = fc.record(
    {
      stream: fc.constantFrom('s', 's', 's', ''),
      device: fc.constantFrom('d', 'd', 'd', ''),
      time: nanoseconds,
      rate,
      values: fc.oneof(columns, fc.dictionary(fc.string(), number, { maxKeys: 2 })),
      truth: fc.constantFrom('ok', 1),
      endsSegment: fc.constantFrom(true, true, true, false),
      received: nanoseconds,
    },
    { requiredKeys: ['stream', 'device', 'time', 'values', 'received'] },
  );
  let many = 0;
  fc.assert(
    fc.property(record, (value) => {
      fc.pre(!JSON.stringify(value).includes('__proto__'));
      const parsed: unknown = JSON.parse(JSON.stringify(value));
      const decoded = decodeRecord(Buffer.from(JSON.stringify(value)));
      const isOne = readingSchema.safeParse(parsed).success;
      const isMany = samplesSchema.safeParse(parsed).success;
      expect(typeof decoded !== 'string').toBe(isOne || isMany);
      if (typeof decoded !== 'string') expect(isSamples(decoded)).toBe(isMany);
      if (isMany) many += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(many).toBeGreaterThan(10);
});

test('samples lie at whole nanoseconds, and the longest array says how many there are', () => {
  expect([0, 1, 2, 3].map((index) => sampleOffsetNs(index, 3))).toEqual([0, 333_333_333, 666_666_666, 1_000_000_000]);
  expect(sampleCount({ x: [1, null, 2], temperature: [20] })).toBe(3);
  expect(sampleCount({})).toBe(0);
});
