import { expect, test } from 'vitest';
import { UnknownFields } from './unknown-fields.ts';

test('fields are counted by name, with the known name that is near', () => {
  const fields = new UnknownFields(['rpm', 'temp']);
  expect(fields.report()).toBeUndefined();
  for (const name of ['usage', 'rpmx', 'rpmx', '__proto__']) fields.add(name);
  expect(fields.report()).toEqual([
    { name: 'rpmx', count: 2, near: 'rpm' },
    { name: 'usage', count: 1 },
    { name: '__proto__', count: 1 },
  ]);
});

test('endless and countless names are bounded; those that came first stay', () => {
  const fields = new UnknownFields(['rpm']);
  fields.add('x'.repeat(100_000));
  for (let index = 0; index < 1_000; index += 1) fields.add(`f${index}`);
  fields.add('f0');
  const report = fields.report() ?? [];
  expect(report).toHaveLength(20);
  expect(report[0]).toEqual({ name: 'f0', count: 2 });
  expect(Math.max(...report.map(({ name }) => name.length))).toBeLessThanOrEqual(101);
});
