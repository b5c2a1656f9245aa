import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { deadLetterSchema, encodeDeadLetter, maxDeadLetterBytes } from './dead-letter.ts';

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

const large = {
  'of control characters': { key: 'pump-1', value: Buffer.alloc(200_000, 1) },
  'of one long number': { key: 'pump-1', value: Buffer.from('9'.repeat(900_000)) },
  'of bytes that are not text': { key: 'pump-1', value: Buffer.alloc(700_000, 0xff) },
  'of characters of several bytes': { key: null, value: Buffer.from('€'.repeat(200_000)) },
  'under a long key': { key: '\u0001'.repeat(500_000), value: Buffer.from('{}') },
};

test.each(Object.entries(large))('a record %s is cut, with its size and hash', (_, { key, value }) => {
  for (const maxBytes of [maxDeadLetterBytes, 16 << 10]) {
    const encoded = encodeDeadLetter('classifier', { ...record(value), key }, 'too large '.repeat(9_000), at, maxBytes);
    expect(encoded.byteLength).toBeLessThanOrEqual(maxBytes);
    const letter = decode(encoded);
    const kept = Buffer.from(letter.value, letter.encoding);
    expect(kept.equals(value.subarray(0, kept.length))).toBe(true);
    expect(kept.length).toBeGreaterThanOrEqual(Math.min(value.length, 1_000));
    expect(key?.startsWith(letter.key ?? '') ?? letter.key === null).toBe(true);
    expect(letter.cut).toEqual({
      keyBytes: Buffer.byteLength(key ?? ''),
      valueBytes: value.length,
      sha256: createHash('sha256').update(value).digest('hex'),
    });
  }
});
