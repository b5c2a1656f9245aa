import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { decodeAlertRecord, decodeFirstStart, decodeSilence, decodeTaken, decodeTick } from './alert.ts';
import { deadLetterSchema, decodeDeadLetter } from './dead-letter.ts';
import { decodeFact } from './decode-fact.ts';
import { decodeRecord } from './decode-samples.ts';
import { factSchema } from './fact.ts';
import { firstIssue } from './issue.ts';
import { validate } from './validate.ts';

const schema = z.strictObject({
  name: z.string().min(1).max(3),
  list: z.array(z.string().max(2)).length(2).optional(),
  open: z.record(z.string(), z.unknown()).optional(),
});

/** Its `length` cannot be compared: neither method that would make a primitive of it is one. */
const odd: unknown = JSON.parse('{"length":{"toString":1,"valueOf":1}}');
const placesOf = (issues: readonly z.core.$ZodIssue[] = []) => [...new Set(issues.map(({ path }) => path.join('.')))];

test('what zod checks comes back as zod gives it', () => {
  const value = fc.record(
    {
      name: fc.oneof(fc.string({ maxLength: 4 }), fc.integer()),
      list: fc.oneof(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }), fc.boolean()),
      open: fc.dictionary(fc.string(), fc.jsonValue()),
    },
    { requiredKeys: ['name'] },
  );
  fc.assert(
    fc.property(value, (each) => {
      expect(validate(schema, each)).toEqual(schema.safeParse(each));
    }),
  );
});

test('an object in place of a string or an array is told at its place, whatever its length is', () => {
  expect(() => schema.safeParse({ name: odd }), 'zod no longer throws: validate is not needed').toThrow(TypeError);
  const { success, error } = validate(schema, { name: odd });
  expect(success).toBe(false);
  expect(error?.issues[0]).toMatchObject({
    ...{ code: 'invalid_type', path: ['name'] },
    message: 'Invalid input: expected string, received object',
  });
  expect(placesOf(validate(schema, { name: odd, list: odd, more: odd }).error?.issues)).toEqual(['name', 'list', '']);
  expect(placesOf(validate(schema, { name: 'a', list: ['a', odd] }).error?.issues)).toEqual(['list.1']);
  const bare = Object.assign(Object.create(null), { length: Object.create(null) });
  expect(firstIssue(validate(schema, { name: bare }).error ?? new z.ZodError([]))).toMatch(/^name: .*received object$/);
});

test('what a union takes otherwise is taken as it came, a key named __proto__ too', () => {
  const either = z.union([z.string().min(1), z.record(z.string(), z.unknown())]);
  expect(() => either.safeParse(odd)).toThrow(TypeError);
  expect(validate(either, odd)).toEqual({ success: true, data: odd });
  const value: unknown = JSON.parse('{"length":{"toString":1,"valueOf":1,"__proto__":{"a":[1,null]}},"b":"c"}');
  expect(JSON.stringify(validate(either, value).data)).toBe(JSON.stringify(value));
});

test('what cannot be checked the second time either fails with the reason; other errors are passed on', () => {
  const throwing = (error: Error) =>
    z.unknown().transform(() => {
      throw error;
    });
  const { error } = validate(throwing(new TypeError('no such thing')), 1);
  expect(error?.issues).toMatchObject([{ path: [], message: 'it cannot be checked: no such thing' }]);
  expect(() => validate(throwing(new SyntaxError('ours')), 1)).toThrow('ours');
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const value: unknown = JSON.parse(`{"name":{"length":{"toString":1,"valueOf":1}},"open":{"a":${deep}}}`);
  expect(validate(schema, value).error?.issues).toMatchObject([{ path: [], message: 'it nests too deep' }]);
});

test('no decoder of records throws for such an object, wherever it stands', () => {
  const kinds = ['alert', 'delivery', 'promotion', 'promotion-delivery', 'start', 'taken', 'time', 'line'];
  const decoders = [decodeAlertRecord, decodeSilence, decodeFirstStart, decodeTaken, decodeTick, decodeRecord];
  const keys = [
    'stream',
    'rule',
    'group',
    'topic',
    'subject',
    'device',
    'at',
    'values',
    'rate',
    'lag',
    'model',
    'kind',
  ];
  for (const decode of [...decoders, decodeFact, decodeDeadLetter])
    for (const kind of kinds) {
      const record = { kind, ...Object.fromEntries(keys.filter((key) => key !== 'kind').map((key) => [key, odd])) };
      expect(decode(Buffer.from(JSON.stringify(record))), `${decode.name} of ${kind}`).toBeTypeOf('string');
    }
});

test('a record with such an object in one place has a reason that names the place', () => {
  const fact = { stream: 's', subject: 'p', kind: 'k', from: '1', values: {}, received: '1' };
  const letter = { stage: 's', topic: 't', partition: 0, offset: '1', key: null, value: '', encoding: 'utf8' };
  const decoded = [
    { decode: decodeFact, schema: factSchema, good: fact },
    { decode: decodeDeadLetter, schema: deadLetterSchema, good: { ...letter, reason: '', at: '' } },
  ];
  for (const { decode, schema, good } of decoded) {
    expect(validate(schema, good).success).toBe(true);
    for (const key of Object.keys(good))
      expect(decode(Buffer.from(JSON.stringify({ ...good, [key]: odd })))).toMatch(new RegExp(`^${key}\\b`));
  }
});
