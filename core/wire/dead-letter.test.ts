import { expect, test } from 'vitest';
import { deadLetterSchema, encodeDeadLetter } from './dead-letter.ts';

const at = new Date('2026-01-31T12:00:00Z');
const record = (value: Uint8Array) => ({ topic: 'a.readings', partition: 3, offset: 41n, key: 'pump-1', value });
const decode = (bytes: Uint8Array) => deadLetterSchema.parse(JSON.parse(Buffer.from(bytes).toString()));

test('text is kept as text', () => {
  expect(decode(encodeDeadLetter('classifier', record(Buffer.from('{"dëvice":')), 'not JSON', at))).toEqual({
    stage: 'classifier',
    topic: 'a.readings',
    partition: 3,
    offset: '41',
    key: 'pump-1',
    value: '{"dëvice":',
    encoding: 'utf8',
    reason: 'not JSON',
    at: '2026-01-31T12:00:00.000Z',
  });
});

test('bytes that are not UTF-8 come back from base64', () => {
  const bytes = Uint8Array.of(0x7b, 0xff, 0xfe);
  const letter = decode(encodeDeadLetter('classifier', record(bytes), 'not UTF-8', at));
  expect(letter.encoding).toBe('base64');
  expect(new Uint8Array(Buffer.from(letter.value, 'base64'))).toEqual(bytes);
});
