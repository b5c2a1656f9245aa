import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { samplesFault } from '../core/wire/decode-samples.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';
import { PlainSamples } from './plain-samples.ts';

const fields = ['a', 'b"\\ü', 'values', '__proto__'];
const stream = { name: 's', fields, topics: topicsOf('s') };

const number = fc.oneof(
  fc.integer({ min: -30_000, max: 30_000 }).map((value) => `${value / 10_000}`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => `${value}`),
  fc.constantFrom('null', '-0.0', '1E5', '0.30000000000000004'),
);
const values = fc
  .array(fc.option(fc.array(number, { maxLength: 6 })), { minLength: fields.length, maxLength: fields.length })
  .map((columns) =>
    columns.flatMap((cells, at) => (cells === null ? [] : [`${JSON.stringify(fields[at])}:[${cells}]`])).join(','),
  );
const record = fc
  .tuple(fc.string({ minLength: 1 }), values, fc.string(), fc.boolean())
  .map(([device, inner, truth, ends]) =>
    [
      `{"stream":"s","device":${JSON.stringify(device)},"time":"100","rate":125`,
      `"values":{${inner}}`,
      `"truth":${JSON.stringify(truth)}${ends ? ',"endsSegment":true' : ''},"received":"5"}`,
    ].join(','),
  );

/** What a batch makes of records, the first of which tells that samples come. White space is left to `JSON.parse`. */
function batchOf(texts: readonly string[]) {
  const batch = new ReadingBatch(stream);
  batch.reset(texts.length);
  const refusals = texts.map((text) => batch.add(Buffer.from(text)));
  const { count, gaps, unknownFields, blocks, ends } = batch;
  const rows = batch.rows();
  const { devices, timeTexts, truths, gapsByRow } = batch;
  return {
    ...{ refusals, count, gaps, unknownFields, blocks, ends, devices, timeTexts, truths, gapsByRow },
    values: [...rows.values],
  };
}

test('a batch of records is the same whether their samples are read plainly or by JSON.parse', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 4 }), (texts) => {
      const spaced = texts.map((text) => text.replace('"values":', '"values": '));
      expect(batchOf(texts)).toEqual(batchOf(spaced));
    }),
    { numRuns: 500 },
  );
});

test('what comes otherwise makes the same batch, too', () => {
  const pieces = fc.constantFrom(...'",:{}[]\\-.01n '.split(''), '"values":{', '"a":[1]', 'null', '\u00fc', '\u0000');
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), pieces), { maxLength: 2 });
  fc.assert(
    fc.property(record, record, changes, (first, second, changed) => {
      const text = changed.reduce((now, [at, gone, piece]) => {
        const place = at % (now.length + 1);
        return now.slice(0, place) + piece + now.slice(place + gone);
      }, second);
      // Behind a reading nothing is expected to have samples, so that the record is read by `JSON.parse`.
      const reading = '{"stream":"other","device":"d","time":"1","values":{},"received":"1"}';
      const [plain, parsed] = [batchOf([first, text]), batchOf([first, reading, text])];
      expect({ ...plain, refusals: plain.refusals[1] }).toEqual({ ...parsed, refusals: parsed.refusals[2] });
    }),
    { numRuns: 2_000 },
  );
});

describe('read without an object of arrays', () => {
  const plain = new PlainSamples(fields);

  test('names in the order of the stream', () => {
    const found = plain.read(
      Buffer.from('{"rate":5,"values":{"a":[1,null,2.5],"values":[],"__proto__":[-4]},"truth":"x"}'),
    );
    expect(found).toEqual({ rate: 5, values: {}, truth: 'x' });
    expect(plain.columns).toEqual([
      { column: 0, first: 0, length: 3, present: 2 },
      { column: 2, first: 3, length: 0, present: 0 },
      { column: 3, first: 3, length: 1, present: 1 },
    ]);
    expect(Array.from(plain.samples.subarray(0, 4))).toEqual([1, Number.NaN, 2.5, -4]);
  });

  test('a record whose frame is not sound is read, and told apart', () => {
    const found = plain.read(Buffer.from('{"rate":0,"values":{"a":[1]}}'));
    expect(found && samplesFault(found)).toMatch(/^stream/);
  });

  test.each([
    ['another order', '{"values":{"values":[1],"a":[2]}}'],
    ['a name twice', '{"values":{"a":[1],"a":[2]}}'],
    ['values twice', '{"values":{"a":[1]},"values":{"a":[2]}}'],
    ['values twice, with an escape', '{"values":{"a":[1]},"v\\u0061lues":{}}'],
    ['values within another object', '{"truth":{"values":{"a":[1]}}}'],
    ['a name that the stream does not know', '{"values":{"a":[1],"z":[2]}}'],
    ['a reading', '{"values":{"a":1}}'],
    ['no values', '{"values":{}}'],
    ['a comma at the end', '{"values":{"a":[1],}}'],
    ['a record cut short', '{"values":{"a":[1'],
    ['a text that is not UTF-8', Buffer.from('{"values":{"a":[1]},"truth":"\xff"}', 'latin1')],
  ])('not %s', (_, text) => {
    expect(plain.read(Buffer.from(text))).toBeUndefined();
  });
});
