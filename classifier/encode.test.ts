import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Model, ModelOutput } from '../core/model/model.ts';
import { predictionSchema } from '../core/wire/prediction.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';
import { createEncoder, latencyMs } from './encode.ts';

const fields = ['a', 'quo"ted', '__proto__'];
const stream = { name: 'strëam', fields, topics: topicsOf('s') };
const classes = ['no', 'y"es'];
const model = { identity: { name: 'm', version: 3 }, fields, classes } as Pick<
  Model,
  'identity' | 'fields' | 'classes'
> as Model;
const encode = createEncoder(stream, model);

function labelled(reading: object, output: ModelOutput) {
  const readings = new ReadingBatch(stream);
  readings.reset(1);
  expect(readings.add(Buffer.from(JSON.stringify(reading)))).toBeUndefined();
  return { origins: readings, rows: readings.rows(), output, nowMs: 1_700_000_000_012.5 };
}

const outputOf = (label: number, probability: number, filled: number[]): ModelOutput => ({
  labels: Int32Array.of(label),
  probabilities: Float64Array.of(1 - probability, probability),
  filled: Float64Array.from(filled),
});

const reading = { stream: 'strëam', device: 'd', time: '12', values: { a: 1 }, received: '1700000000000000000' };
const parse = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString());

test('a prediction matches its schema', () => {
  const bytes = encode(labelled({ ...reading, truth: 'no' }, outputOf(1, 0.75, [1, 2.5, -3e-9])), 0);
  const prediction = parse(bytes);
  expect(predictionSchema.safeParse(prediction).success).toBe(true);
  expect(Buffer.from(bytes).toString()).toBe(
    '{"stream":"strëam","device":"d","time":"12","label":"y\\"es","probability":0.75,"probabilities":{"no":0.25,"y\\"es":0.75},' +
      '"filled":{"quo\\"ted":2.5,"__proto__":-3e-9},"gaps":2,"model":{"name":"m","version":3},"truth":"no",' +
      '"received":"1700000000000000000","latencyMs":12.5}',
  );
});

test('a declined row is unknown, with no probability for a label it does not have', () => {
  const prediction = parse(encode(labelled(reading, outputOf(-1, 0.5, [1, 2, 3])), 0));
  expect(prediction).toMatchObject({ label: 'unknown', probability: 0, probabilities: { no: 0.5 } });
  expect('truth' in prediction).toBe(false);
});

test('a model that knows reports how much the label depends on what was filled', () => {
  const output = { ...outputOf(1, 0.75, [1, 2, 3]), sensitivity: Float64Array.of(0.25) };
  const prediction = parse(encode(labelled(reading, output), 0));
  expect(predictionSchema.safeParse(prediction).success).toBe(true);
  expect(prediction.sensitivity).toBe(0.25);
});

test('an ensemble reports how far its models part', () => {
  const output = { ...outputOf(1, 0.75, [1, 2, 3]), spread: Float64Array.of(0.125) };
  const prediction = parse(encode(labelled(reading, output), 0));
  expect(predictionSchema.safeParse(prediction).success).toBe(true);
  expect(prediction.spread).toBe(0.125);
});

test('the shapelet that decided is there, of a row that has a label', () => {
  const series = { channels: ['x', 'quo"te'], length: 100 };
  const decided = [{ channel: 1, place: 40, step: 2, values: Float32Array.of(0.1, -1 / 3), share: 0.25 }];
  const encodeSeries = createEncoder(stream, { ...model, series });
  const prediction = parse(encodeSeries(labelled(reading, { ...outputOf(1, 0.75, [1, 2, 3]), decided }), 0));
  expect(predictionSchema.safeParse(prediction).success).toBe(true);
  const shapelet = { channel: 'quo"te', at: 40, step: 2, of: 100, share: 0.25, values: [0.1, -0.333333] };
  expect(prediction.shapelet).toEqual(shapelet);
  const unknown = parse(encodeSeries(labelled(reading, { ...outputOf(-1, 0.5, [1, 2, 3]), decided }), 0));
  expect('shapelet' in unknown).toBe(false);
});

test('gaps that the model kept are not listed as filled', () => {
  expect(parse(encode(labelled(reading, outputOf(0, 0, [1, NaN, 4])), 0)).filled).toEqual(
    JSON.parse('{"__proto__":4}'),
  );
});

test('a sum that passes one by the last bit stays within the schema', () => {
  const output = { ...outputOf(1, 0, [1, 2, 3]), probabilities: Float64Array.of(-1e-17, 1.0000000000000002) };
  expect(parse(encode(labelled(reading, output), 0)).probabilities).toEqual({ no: 0, 'y"es': 1 });
});

test('any device, truth and number come back as they went in', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string(), number, number, (device, truth, one, two) => {
      const prediction = parse(encode(labelled({ ...reading, device, truth }, outputOf(0, 0.5, [1, one, two])), 0));
      const wanted = JSON.parse(JSON.stringify({ device, truth, filled: [one, two] }));
      const { filled, ...rest } = prediction;
      expect({ ...rest, filled: Object.values(filled) }).toMatchObject(wanted);
    }),
  );
});

test('a window says where it begins and what it holds', () => {
  const { origins, ...rest } = labelled(reading, outputOf(0, 0.5, [1, 2, 3]));
  const { count, devices, timeTexts, received, truths, gapsByRow } = origins;
  const windows = { from: ['2'], samples: [990], missing: [10] };
  const own = { count, devices, timeTexts, received, truths, gapsByRow, windows };
  const prediction = parse(encode({ ...rest, origins: own }, 0));
  expect(predictionSchema.parse(prediction)).toMatchObject({ time: '12', from: '2', samples: 990, missing: 10 });
});

test('a clock that is behind makes no negative latency', () => {
  expect(latencyMs('2000000', 1)).toBe(0);
  expect(latencyMs('2000000', 3)).toBe(1);
});
