import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringOf, textsOf } from './row-texts.ts';

const asStrings = (strings: string | Uint8Array) =>
  textsOf(strings).map(([id, text]) => [id, typeof text === 'string' ? text : stringOf(text)]);

const texts = fc.oneof(
  { weight: 3, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.constant('1.25,-3,,'.repeat(200)) },
);

test('texts are the same out of a string and out of its UTF-8, whatever is escaped in them', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.integer({ min: 0, max: 65_535 }).map(String), texts), (fields) => {
      const strings = JSON.stringify(fields);
      expect(asStrings(Buffer.from(strings))).toEqual(asStrings(strings));
    }),
    { numRuns: 2_000 },
  );
});

test('long texts without escapes stay UTF-8', () => {
  const long = '1.25,ü'.repeat(100);
  expect(textsOf(Buffer.from(JSON.stringify({ 3: long, 4: 'ham' })))).toEqual([
    [3, Buffer.from(long)],
    [4, 'ham'],
  ]);
});

test.each([
  '',
  '{',
  '[]',
  '{"1"}',
  '{"1":2}',
  '{"1":"a"',
  '{"1":"a}',
  '{"1":"a" "2":"b"}',
  '{"1":"a",}',
  '{"1" "a"}',
  '{1:"a"}',
  '{"1":"a\\x"}',
])('what is no such object is an error: %s', (strings) => {
  expect(() => textsOf(Buffer.from(strings))).toThrow();
});
