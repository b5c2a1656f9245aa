import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLong, isLongInput, longInputSchema } from './long-input.ts';
import { Faults } from './problem.ts';

const fields = ['pressure', 'x/y', 'constructor'];
const rules = { fields, known: new Set(fields), precision: 'ns', latest: '1800000000000000000' } as const;
const good = { device: 'p1', time: '1700000000000000000', parameter: 'pressure', value: 120 };

const input = fc.record(
  {
    device: fc.oneof(fc.constantFrom('p1', '', 'a\\'), fc.jsonValue()),
    time: fc.oneof(fc.constantFrom('2024-01-31T12:00:00Z', '1700000000000000000', 'soon', '-5'), fc.jsonValue()),
    parameter: fc.oneof(fc.constantFrom(...fields, 'Pressure', 'toString'), fc.jsonValue()),
    value: fc.oneof(fc.integer(), fc.constantFrom(null, Number.POSITIVE_INFINITY, '1'), fc.jsonValue()),
    truth: fc.oneof(fc.constant('ok'), fc.jsonValue()),
    endsSegment: fc.oneof(fc.boolean(), fc.jsonValue()),
    values: fc.constant({ pressure: 1 }),
  },
  { requiredKeys: ['parameter'] },
);
const likely = fc
  .record({ parameter: fc.constantFrom(...fields), value: fc.oneof(fc.double(), fc.constant(null)) })
  .map((part) => ({ ...good, ...part }));

test('the check by hand takes and refuses what the schema does', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(likely, input), (value) => {
      const faults = new Faults();
      const checked = checkLong(value, rules, '', faults);
      expect(checked !== undefined).toBe(longInputSchema(rules).safeParse(value).success);
      expect(faults.count > 0).toBe(checked === undefined);
      if (checked) taken += 1;
    }),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

test('it becomes a reading of one value', () => {
  const checked = checkLong({ ...good, truth: 'ok' }, rules, '', new Faults());
  expect(checked).toMatchObject({ device: 'p1', time: '1700000000000000000', values: { pressure: 120 }, truth: 'ok' });
  expect(isLongInput(good)).toBe(true);
  expect(isLongInput({ device: 'p1', time: '1700000000000000000', values: {} })).toBe(false);
});

test('what is wrong is named, with the nearest name', () => {
  const faults = new Faults();
  checkLong({ device: 'p1', time: '1700000000000000000', parameter: 'presure', values: {} }, rules, '/0', faults);
  expect(faults.list.map(({ pointer }) => pointer)).toEqual(['/0/values', '/0/parameter', '/0/value']);
  expect(faults.summary()).toContain('3 errors');
  expect(JSON.stringify(faults.list)).toContain('pressure');
});
