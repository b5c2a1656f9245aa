import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PlainValues } from './plain-values.ts';

const fields = ['a', 'b"\\ü', 'values', '__proto__', 'sample10'];
const plain = new PlainValues(fields);

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
}

function read(text: string | Uint8Array) {
  const into = new Float64Array(fields.length + 2).fill(7);
  const record = plain.read(Buffer.from(text), into, 1);
  expect([into[0], into[fields.length + 1]]).toEqual([7, 7]);
  return record && { record, row: Array.from(into.subarray(1, fields.length + 1)) };
}

/** What is read here is read as `JSON.parse` reads it. @returns whether it was read */
function expectAsParsed(bytes: Uint8Array): boolean {
  const found = read(bytes);
  if (!found) return false;
  const { values, ...rest } = JSON.parse(
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
  ) as Parsed;
  expect({ ...found.record, values: undefined }).toEqual({ ...rest, values: undefined });
  for (const [name, value] of Object.entries(values)) {
    expect(fields).toContain(name);
    expect(value === null || Number.isFinite(value)).toBe(true);
  }
  const wanted = fields.map((name) => (Object.hasOwn(values, name) ? (values[name] ?? Number.NaN) : Number.NaN));
  expect(found.row.every((value, at) => Object.is(value, wanted[at]))).toBe(true);
  expect(plain.present).toBe(wanted.filter((value) => !Number.isNaN(value)).length);
  expect(plain.hasKey).toBe(Object.keys(values).length > 0);
  return true;
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0' : `${value}`)),
  fc.tuple(fc.integer(), fc.nat({ max: 999_999 })).map(([whole, part]) => `${whole}.${part}`),
  fc.integer().map(String),
  fc.constantFrom('-0.0', '1E5', '1e-7', '0.1000', '123456789012345678901234567890', '5e-324', '0.30000000000000004'),
);
const values = fc
  .array(fc.option(fc.oneof(number, fc.constant('null'))), { minLength: fields.length, maxLength: fields.length })
  .map((cells) =>
    cells.flatMap((cell, at) => (cell === null ? [] : [`${JSON.stringify(fields[at])}:${cell}`])).join(','),
  );
const record = fc
  .tuple(fc.string(), values, fc.string())
  .map(([device, inner, truth]) =>
    [`{"device":${JSON.stringify(device)}`, `"values":{${inner}}`, `"truth":${JSON.stringify(truth)}}`].join(','),
  );

test('values in the order of the stream are read as JSON.parse reads them, bit for bit', () => {
  fc.assert(
    fc.property(values, (inner) => {
      expect(expectAsParsed(Buffer.from(`{"stream":"s","values":{${inner}},"received":"1"}`))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('whatever else comes is read as JSON.parse reads it, or not at all', () => {
  const pieces = fc.constantFrom(...'",:{}\\-+.0e1n[] '.split(''), '"values":{', '"a":1', 'null', '\u00fc', '\u0000');
  fc.assert(
    fc.property(record, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), pieces), { maxLength: 3 }), (text, changes) => {
      const changed = changes.reduce((now, [at, gone, piece]) => {
        const place = at % (now.length + 1);
        return now.slice(0, place) + piece + now.slice(place + gone);
      }, text);
      expectAsParsed(Buffer.from(changed));
    }),
    { numRuns: 2_000 },
  );
});

test('names of any length, in records that grow and shrink, are read as JSON.parse reads them', () => {
  const cells = fc.array(fc.option(fc.oneof(number, fc.constant('null'))), { minLength: 1, maxLength: 40 });
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 70 }), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(names, fc.array(cells, { minLength: 1, maxLength: 4 }), (wide, records) => {
      const own = new PlainValues(wide);
      const into = new Float64Array(wide.length);
      for (const given of records) {
        const inner = given
          .flatMap((cell, at) => (cell === null ? [] : [`${JSON.stringify(wide[at])}:${cell}`]))
          .join();
        const text = `{"values":{${inner}},"received":"1"}`;
        const { values: parsed } = JSON.parse(text) as Parsed;
        expect(own.read(Buffer.from(text), into, 0)).toEqual({ values: {}, received: '1' });
        const wanted = wide.map((name) => (Object.hasOwn(parsed, name) ? (parsed[name] ?? Number.NaN) : Number.NaN));
        expect(into.every((value, at) => Object.is(value, wanted[at]))).toBe(true);
        expect(own.present).toBe(wanted.filter((value) => !Number.isNaN(value)).length);
      }
    }),
    { numRuns: 100 },
  );
});

test('a record that is cut is not completed by what was read before it', () => {
  const text = '{"values":{"a":1234,"sample10":12345678},"received":"1"}';
  for (let length = 0; length < text.length; length += 1) {
    expect(read(text)?.row).toEqual([1234, Number.NaN, Number.NaN, Number.NaN, 12345678]);
    expect(read(text.slice(0, length))).toBeUndefined();
  }
});

test('a record may be larger than the memory was', () => {
  const wide = Array.from({ length: 3_000 }, (_, at) => `a sample with a long name ${at}`);
  const own = new PlainValues(wide);
  const row = wide.map((_, at) => at / 8);
  const text = JSON.stringify({ values: Object.fromEntries(wide.map((name, at) => [name, row[at]])) });
  const into = new Float64Array(wide.length);
  expect(own.read(Buffer.from(text), into, 0)).toEqual({ values: {} });
  expect(Array.from(into)).toEqual(row);
});

describe('not read here', () => {
  test.each([
    ['another order', '{"values":{"values":1,"a":2}}'],
    ['a name twice', '{"values":{"a":1,"a":2}}'],
    ['values twice', '{"values":{"a":1},"values":{"a":2}}'],
    ['values twice, with an escape', '{"values":{"a":1},"v\\u0061lues":{}}'],
    ['values within values', '{"values" :{"values":{"a":1}}}'],
    ['values within another object', '{"truth":{"values":{"a":1}}}'],
    ['within a text', '{"truth":",\\"values\\":{\\"a\\":1}"}'],
    ['a name that the stream does not know', '{"values":{"a":1,"z":2}}'],
    ['a number that no double holds', '{"values":{"a":1e999}}'],
    ['a number that begins with zeros', '{"values":{"a":01}}'],
    ['a point without digits', '{"values":{"a":1.}}'],
    ['a text', '{"values":{"a":"1"}}'],
    ['an array', '{"rate":5,"values":{"a":[1,2]}}'],
    ['a comma at the end', '{"values":{"a":1,}}'],
    ['a record cut short', '{"values":{"a":1'],
    ['white space', '{"values":{"a": 1}}'],
  ])('%s', (_, text) => {
    expect(read(text)).toBeUndefined();
  });
});
