import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readingSchema } from '../core/wire/reading.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';

const fields = ['a', 'b', '__proto__', 'A', 'char_freq_;', '7'];
const stream = { name: 's', fields, topics: topicsOf('s') };
const good = { stream: 's', device: 'd', time: '12', values: { a: 1, b: null }, truth: 'x', received: '13' };
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

function batchOf(...records: unknown[]) {
  const batch = new ReadingBatch(stream);
  batch.reset(records.length);
  return { batch, refusals: records.map((record) => batch.add(bytes(record))) };
}

test('a reading becomes a row: null and absence are gaps, names are taken as they are', () => {
  const odd =
    '{"stream":"s","device":"d","time":"-5","values":{"__proto__":4,"7":1e-7,"char_freq_;":-0.5},"received":"9"}';
  const { batch, refusals } = batchOf(good, odd);
  expect(refusals).toEqual([undefined, undefined]);
  const { count, width, values, devices, times } = batch.rows();
  expect({ count, width, devices }).toEqual({ count: 2, width: 6, devices: ['d', 'd'] });
  expect([...values]).toEqual([1, NaN, NaN, NaN, NaN, NaN, NaN, NaN, 4, NaN, -0.5, 1e-7]);
  expect([...times]).toEqual([12n, -5n]);
  expect(batch).toMatchObject({ gaps: 8, gapsByRow: [5, 3], truths: ['x', undefined], received: ['13', '9'] });
});

test('values that the stream does not know are ignored and counted', () => {
  const { batch, refusals } = batchOf({ ...good, values: { z: 1, y: null, b: 2 } });
  expect(refusals).toEqual([undefined]);
  expect(batch).toMatchObject({ count: 1, unknownFields: 1, gaps: 5 });
  expect(batch.rows().values[1]).toBe(2);
});

test("another stream's reading is a skip, not a row", () => {
  const { batch, refusals } = batchOf({ ...good, stream: 'other' });
  expect(refusals).toEqual([{ kind: 'skip', reason: 'foreign-stream' }]);
  expect(batch.count).toBe(0);
});

test.each([
  ['broken JSON', '{"stream":', /^the record is not JSON: /],
  ['nothing', '', /^the record is not JSON: /],
  ['an array', '[]', /^the record is \[\]; expected an object$/],
  ['a number', '5', /^the record is 5; expected an object$/],
  ['null', 'null', /^the record is null; expected an object$/],
  ['no stream', { ...good, stream: undefined }, /^stream: found missing; expected a name$/],
  ['an empty device', { ...good, device: '' }, /^device: found ""; expected a name$/],
  ['a time that is a number', { ...good, time: 5 }, /^time: found 5; expected nanoseconds as a string$/],
  ['a time beyond 64 bits', { ...good, time: '9999999999999999999' }, /expected nanoseconds that fit into 64 bits$/],
  ['no stamp', { ...good, received: '1.5' }, /^received: found "1\.5"/],
  ['a truth that is a number', { ...good, truth: 1 }, /^truth: found 1; expected a string$/],
  ['no values', { ...good, values: undefined }, /^values: found missing; expected an object$/],
  ['values in a list', { ...good, values: [1] }, /^values: found \[1\]; expected an object$/],
  [
    'a value that is text',
    { ...good, values: { a: '1' } },
    /^values\["a"\]: found "1"; expected a finite number or null$/,
  ],
  ['a foreign value that is text', { ...good, values: { z: '1' } }, /^values\["z"\]: found "1"/],
  ['a number beyond doubles', JSON.stringify(good).replace('"a":1', '"a":1e999'), /^values\["a"\]: found Infinity/],
  ['a key that no reading has', { ...good, colour: 'red' }, /^"colour" is not a key of a reading$/],
  ['a long value', { ...good, device: '', time: 'x'.repeat(1_000) }, /^device/],
])('%s is a dead letter with its reason', (_, record, reason) => {
  const { batch, refusals } = batchOf(good, record, good);
  expect(refusals[1]).toMatchObject({ kind: 'dead', reason: expect.stringMatching(reason) });
  // The neighbours are untouched.
  expect([...batch.rows().values]).toEqual([1, NaN, NaN, NaN, NaN, NaN, 1, NaN, NaN, NaN, NaN, NaN]);
  expect(batch.gaps).toBe(10);
});

test('bytes that are not UTF-8 are a dead letter', () => {
  const batch = new ReadingBatch(stream);
  batch.reset(1);
  expect(batch.add(Uint8Array.of(0x22, 0xff, 0x22))).toEqual({ kind: 'dead', reason: 'the record is not UTF-8' });
});

test('a batch forgets the one before', () => {
  const { batch } = batchOf(good, good);
  batch.reset(1);
  expect(batch.add(bytes({ ...good, values: { b: 3 } }))).toBeUndefined();
  expect([...batch.rows().values]).toEqual([NaN, 3, NaN, NaN, NaN, NaN]);
  expect(batch).toMatchObject({ count: 1, gaps: 5, devices: ['d'] });
});

test('samples between readings: each row has its own of everything, whenever somebody asks for rows', () => {
  const samples = { ...good, device: 'e', time: '100', rate: 1e6, values: { a: [5, null, 7], b: [1, 2] }, truth: 'y' };
  const last = { ...good, device: 'f', time: '900', truth: undefined };
  const { batch, refusals } = batchOf(good, samples, { ...good, stream: 'other' }, last, {
    ...samples,
    received: '77',
  });
  expect(refusals.map((refusal) => refusal?.kind)).toEqual([undefined, undefined, 'skip', undefined, undefined]);
  const { count, devices, times } = batch.rows();
  expect(devices.join()).toBe('d,e,e,e,f,e,e,e');
  expect([...times]).toEqual([12n, 100n, 1_100n, 2_100n, 900n, 100n, 1_100n, 2_100n]);
  expect(batch.timeTexts).toEqual(Array.from(times, String));
  expect(batch.received.join()).toBe('13,13,13,13,13,77,77,77');
  expect(batch.truths).toEqual(['x', 'y', 'y', 'y', undefined, 'y', 'y', 'y']);
  expect(batch.gapsByRow).toEqual([5, 4, 5, 5, 5, 4, 5, 5]);
  // Each second array ends a sample early: that is no gap.
  expect({ count, gaps: batch.gaps }).toEqual({ count: 8, gaps: 5 + 13 + 5 + 13 });
  batch.reset(1);
  expect(batch.add(bytes(samples))).toBeUndefined();
  expect(batch.rows()).toMatchObject({ count: 3, devices: ['e', 'e', 'e'] });
});

test('what is taken is what the schema takes', () => {
  const loose = fc.oneof(
    fc.constantFrom('s', '', 'd', '12', '-3', '01', '1e3', null, 0),
    fc.jsonValue({ maxDepth: 1 }),
  );
  // zod skips a key named __proto__; we look at it as at any other.
  const names = [...fields, 'z'].filter((name) => name !== '__proto__');
  const values = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.double(), fc.constant(null), loose));
  const reading = fc.record(
    {
      stream: fc.oneof({ weight: 4, arbitrary: fc.constant('s') }, loose),
      device: fc.oneof({ weight: 4, arbitrary: fc.string({ unit: 'binary' }) }, loose),
      time: fc.oneof({ weight: 4, arbitrary: fc.bigInt(-(2n ** 62n), 2n ** 62n).map(String) }, loose),
      values: fc.oneof({ weight: 4, arbitrary: values }, loose),
      truth: fc.oneof({ weight: 4, arbitrary: fc.string() }, loose),
      received: fc.oneof({ weight: 4, arbitrary: fc.nat().map(String) }, loose),
      endsSegment: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, loose),
      extra: loose,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(reading, (record) => {
      const text = JSON.stringify(record);
      const parsed = readingSchema.safeParse(JSON.parse(text));
      const { refusals } = batchOf(text);
      // Another stream's reading is not ours to judge any further.
      if (refusals[0]?.kind === 'skip') expect(record.stream).not.toBe('s');
      else expect(refusals[0] === undefined).toBe(parsed.success);
    }),
    { numRuns: 2_000 },
  );
});

test('of many fields a record gives the same row, however its values are written', () => {
  const many = Array.from({ length: 60 }, (_, at) => `x${at}`);
  const values = Object.fromEntries(many.map((name, at) => [name, at % 7 === 0 ? null : at / 3]));
  const record = { ...good, truth: 'yes', endsSegment: true, values };
  const batches = [JSON.stringify(record), JSON.stringify(record, null, 1)].map((text) => {
    const batch = new ReadingBatch({ ...stream, fields: many });
    batch.reset(1);
    expect(batch.add(Buffer.from(text))).toBeUndefined();
    expect(batch.add(Buffer.from(text.replace('"s"', '"other"')))).toMatchObject({ kind: 'skip' });
    expect(batch.add(Buffer.from(text.replace('"yes"', '5')))).toMatchObject({ kind: 'dead' });
    const { count, gaps, gapsByRow, devices, timeTexts, truths, ends } = batch;
    return { ...{ count, gaps, gapsByRow, devices, timeTexts, truths, ends }, values: [...batch.rows().values] };
  });
  expect(batches[0]).toEqual(batches[1]);
  expect(batches[0]).toMatchObject({ count: 1, gaps: 9, truths: ['yes'] });
});
