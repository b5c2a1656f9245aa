import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReadingRules } from '../../core/wire/reading-input.ts';
import { decodeText } from '../body.ts';
import type { BodyForm } from './content-type.ts';
import { recordsOfBody } from './records.ts';
import { ReadingScanner } from './scan.ts';

const fields = ['a', 'b', 'word_freq_make', 'word_freq_mail', 'char_freq_;', 'constructor', '__proto__', 'grün'];
const stream = 'pumps';
const received = '1700000000000000000';
const maxReadings = 30;
const rules: ReadingRules = { fields, known: new Set(fields), precision: 's', latest: '1800000000000000000' };
const scanner = new ReadingScanner({ stream, fields, maxReadings });

const scan = (bytes: Buffer, form: BodyForm) =>
  scanner.scan({ bytes, form, rules, received })?.map(({ key, value }) => [key, value.toString()]);

/** What the slow path makes of it; undefined where it refuses it. */
function slowly(bytes: Buffer, form: BodyForm) {
  try {
    const { records } = recordsOfBody({ text: decodeText(bytes), form, rules, stream, received, maxReadings });
    return records.map(({ key, value }) => [key, Buffer.from(value).toString()]);
  } catch {
    return undefined;
  }
}

/** What the one pass takes is what the slow path makes of it, byte for byte; and it takes nothing that the slow path refuses. */
function agree(text: string | Buffer, form: BodyForm): boolean {
  const bytes = Buffer.from(text as string);
  const scanned = scan(bytes, form);
  if (scanned !== undefined) expect(scanned).toEqual(slowly(bytes, form));
  return scanned !== undefined;
}

const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'0012345678999'), minLength: 1, maxLength });
const numberText = fc.oneof(
  { weight: 3, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: -99, max: 999_999 }).map((value) => String(value / 100)) },
  fc
    .tuple(
      fc.constantFrom('', '-', '-0.', '0.000', '0.', '+'),
      digits(18),
      fc.constantFrom('', '.', '.0', '.5'),
      digits(3),
    )
    .map((parts) => parts.slice(0, 3).join('')),
  fc
    .tuple(digits(19), fc.constantFrom('e', 'E', '.5e'), fc.constantFrom('', '-', '+'), digits(3))
    .map((parts) => parts.join('')),
  fc.constantFrom(
    '-0',
    '-0.0',
    '1e21',
    '1e400',
    '-1e400',
    '5e-324',
    '0.0000001',
    '0.000001',
    '01',
    '1.',
    '.5',
    '9007199254740993',
  ),
);
const space = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc.constantFrom(' ', '\t', '\r', '\n', '  ', '\u00a0'),
);
const value = fc.oneof(
  { weight: 40, arbitrary: numberText },
  { weight: 12, arbitrary: fc.constant('null') },
  fc.constantFrom('nul', 'true', '"1"', '[]', '{}', ''),
);
const fieldName = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(...fields) },
  fc.constantFrom('unknown', '', 'word_freq_', '\\u0061'),
);
const valuesText = fc
  .array(fc.tuple(space, fieldName, space, space, value, space), { maxLength: 9 })
  .map((all) => `{${all.map(([a, name, b, c, each, d]) => `${a}"${name}"${b}:${c}${each}${d}`).join(',')}}`);
const device = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('"d"', '"pump-7"', '"two words"') },
  fc.constantFrom('""', '"\\u0061"', '"é"', '"tab\t"', '"end\\\\"', '7', 'null', `"${'x'.repeat(257)}"`),
);
const time = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 1, max: 40 }).map((each) => `"170000000000000000${each}"`) },
  { weight: 10, arbitrary: fc.integer({ min: 1_600_000_000, max: 1_600_000_040 }).map(String) },
  fc.constantFrom(
    '"2026-01-31T12:00:00.5Z"',
    '"2023-01-31T12:00:00+01:00"',
    '"-5"',
    '-5',
    '"007"',
    '1.5',
    '1e3',
    '99999999999999999',
    '"soon"',
  ),
);
const member = fc.oneof(
  fc.tuple(fc.constant('device'), device),
  fc.tuple(fc.constant('time'), time),
  fc.tuple(fc.constant('truth'), device),
  fc.tuple(fc.constant('values'), valuesText),
  fc.tuple(fc.constantFrom('extra', 'constructor'), value),
);
const reading = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(device, time, valuesText, fc.option(device), space).map(([who, when, what, truth, gap]) => {
      const label = truth === null ? '' : `,"truth":${truth}`;
      return `{"device":${who},${gap}"time":${when},"values":${what}${gap}${label}}${gap}`;
    }),
  },
  fc
    .array(fc.tuple(space, member, space), { maxLength: 5 })
    .map((all) => `{${all.map(([a, [key, each], b]) => `${a}"${key}":${b}${each}`).join(',')}}`),
);
const readings = fc.array(reading, { maxLength: 4 });

test.each<[string, BodyForm, fc.Arbitrary<string>]>([
  ['one reading', 'json', reading],
  ['an array', 'json', readings.map((all) => `[${all.join(',')}]`)],
  ['NDJSON', 'ndjson', readings.map((all) => all.join('\n'))],
])('%s becomes the same records in one pass as by the slow path, or is left to it', (_name, form, body) => {
  let taken = 0;
  fc.assert(
    fc.property(body, fc.constantFrom('', '', '', '\n', ' ', ',', '\ufeff', '}'), (text, after) => {
      if (agree(text + after, form)) taken += 1;
    }),
    { numRuns: 6_000 },
  );
  // A scanner that takes nothing would agree too.
  expect(taken).toBeGreaterThan(20);
});

test('a body with any byte changed, left out or repeated becomes the same records, or is left to the slow path', () => {
  const text =
    '{"device":"d","time":"1700000000000000017","values":{"a":1.25,"b":null,"char_freq_;":-3e-7},"truth":"ok"}';
  const whole = Buffer.from(`${text}\n${text.replace('017', '018')}`);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.constantFrom(0, 1, 2), (at, code, kept) => {
      const changed = Buffer.concat([
        whole.subarray(0, at + (kept === 2 ? 1 : 0)),
        ...(kept === 1 ? [Buffer.of(code)] : []),
        whole.subarray(kept === 0 || kept === 1 ? at + 1 : at),
      ]);
      agree(changed, 'ndjson');
      agree(changed, 'json');
    }),
    { numRuns: 4_000 },
  );
});

test('it takes what devices send: with and without white space, any order of values, integers as times, many readings', () => {
  const spaced =
    '{ "device": "d", "time": 1600000000, "values": { "b": 0.30000000000000004, "a": null }, "truth": "x" }';
  expect(scan(Buffer.from(spaced), 'json')).toEqual(slowly(Buffer.from(spaced), 'json'));
  const many = Array.from(
    { length: maxReadings },
    (_, index) =>
      `{"device":"d${index % 3}","time":"${1_700_000_000_000_000_100n - BigInt(index)}","values":{"a":${index}}}`,
  );
  for (const [text, form] of [
    [many.join('\r\n\n'), 'ndjson'],
    [`[${many.join(', ')}]`, 'json'],
  ] as const) {
    const bytes = Buffer.from(text);
    expect(scan(bytes, form)).toHaveLength(maxReadings);
    expect(scan(bytes, form)).toEqual(slowly(bytes, form));
  }
  expect(scan(Buffer.from([...many, many[0]?.replace('000100', '000101')].join('\n')), 'ndjson')).toBeUndefined();
});

test('names of values that JavaScript would order otherwise are left to the slow path', () => {
  const own = new ReadingScanner({ stream, fields: ['b', '1'], maxReadings });
  const bytes = Buffer.from('{"device":"d","time":"1700000000000000000","values":{"b":1,"1":2}}');
  expect(own.scan({ bytes, form: 'json', rules, received })).toBeUndefined();
});

test('a small record of a large body holds no large buffer', () => {
  const number = `0.${'0'.repeat(1_000_000)}1`;
  const bytes = Buffer.from(`{"device":"d","time":"1700000000000000100","values":{"a":${number}}}`);
  const [record] = scanner.scan({ bytes, form: 'json', rules, received }) ?? [];
  expect(record?.value.buffer.byteLength).toBeLessThan(100_000);
});

test('single readings and samples count together for the limit', () => {
  const one = (index: number) => `{"device":"d","time":"1700000000000000${100 + index}","values":{"a":1}}`;
  const single = Array.from({ length: maxReadings - 1 }, (_, index) => one(index));
  const samples = (count: number) =>
    JSON.stringify({ device: 's', time: '1700000000000000000', rate: 10, values: { a: Array(count).fill(1) } });
  const read = (count: number) => () =>
    recordsOfBody({
      ...{ text: [...single, samples(count)].join('\n'), form: 'ndjson', rules, stream, received, maxReadings },
    });
  expect(read(1)().records).toHaveLength(maxReadings);
  expect(read(2)).toThrow(expect.objectContaining({ code: 'body-too-large' }));
});
