import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredRecord } from '../../core/log/port.ts';
import type { Model } from '../../core/model/model.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { sampleOffsetNs } from '../../core/wire/sample-offset.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import simulate, { fields, rate } from '../../examples/motor/simulator.ts';
import { createServing } from '../../serving/serving.ts';
import { identityOf } from './identities.ts';
import { undisturbed } from './undisturbed.ts';

// What `gapline serve` answers for windows of samples is what the classifier makes of them in the log.
const logger = pino({ level: 'silent' });
const models = openRegistry({ folder: join(import.meta.dirname, '../../examples/motor/models'), name: 'motor' });
const serving = createServing({ models, logger, registry: new Registry(), host: '127.0.0.1', port: 0 });
let model: Model;
beforeAll(async () => {
  model = await models.load(1);
  await serving.start();
});
afterAll(async () => {
  await serving.stop();
  await model.close();
});

const seconds = 4;
const startNs = 1_700_000_000_123_456_789n;
const source = simulate({ seed: 9 });

/** By device, its samples in the order of time; a twentieth of them are gaps in bursts. */
const samples = source.devices.map((name, device) => {
  const track = source.open(device, 0);
  const rows = Array.from({ length: seconds * rate }, (_, n) => {
    const row = new Float64Array(fields.length);
    track.next(row);
    if ((n + device * 37) % 400 < 20) row.fill(Number.NaN, 0, 2);
    return Array.from(row, (value) => (Number.isNaN(value) ? null : value));
  });
  return { name, rows };
});

const timeOf = (n: number): bigint => startNs + BigInt(sampleOffsetNs(n, rate));

/** The readings topic: records of a second, as a device sends them. */
function records(): StoredRecord[] {
  const all: StoredRecord[] = [];
  for (let second = 0; second < seconds; second++)
    for (const { name, rows } of samples) {
      const part = rows.slice(second * rate, (second + 1) * rate);
      const values = Object.fromEntries(fields.map((field, at) => [field, part.map((row) => row[at])]));
      const record = {
        stream: 'motor',
        device: name,
        time: String(timeOf(second * rate)),
        rate,
        values,
        received: String(startNs),
      };
      const place = { topic: 'motor.readings', partition: 0, offset: BigInt(all.length), arrivedMs: 0 };
      all.push({ key: name, value: Buffer.from(JSON.stringify(record)), ...place });
    }
  return all;
}

async function send(path: string, body?: unknown) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(
    new URL(path, serving.url),
    body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) },
  );
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

const infer = (inputs: readonly object[], rest: object = {}) => send('/v2/models/motor/infer', { inputs, ...rest });
const outputOf = (body: Record<string, unknown>, name: string) =>
  (body.outputs as readonly Tensor[]).find((output) => output.name === name);

/** By identity of a window, what the line says of it. */
async function saidByTheLine(): Promise<Map<string, Prediction>> {
  const stream = { name: 'motor', fields, topics: topicsOf('motor') };
  const { windows } = await undisturbed(stream, model, records(), () => false);
  return new Map([...windows].map(([identity, said]) => [identity, JSON.parse(said) as Prediction]));
}

/** The first sample at or behind a time. */
const indexAt = (ns: bigint): number => Number((ns - startNs + 999_999n) / 1_000_000n);

test('answers to windows of samples are the predictions of the line, bit for bit', async () => {
  const line = await saidByTheLine();
  const ends = [startNs / 1_000_000_000n + 2n, startNs / 1_000_000_000n + 3n].map((second) => second * 1_000_000_000n);
  const asked = samples.flatMap(({ name, rows }) =>
    ends.map((end) => ({
      identity: identityOf({ device: name, time: String(end) }),
      rows,
      first: indexAt(end) - rate,
    })),
  );
  const data = asked.map(({ rows, first }) => rows.slice(first, first + rate));
  const times = asked.map(({ first }) => String(timeOf(first)));
  const { status, body } = await infer(
    [
      { name: 'samples', shape: [asked.length, rate, fields.length], datatype: 'FP64', data },
      { name: 'time', shape: [asked.length], datatype: 'BYTES', data: times },
    ],
    { outputs: [{ name: 'label' }, { name: 'probabilities' }] },
  );
  expect(status).toBe(200);
  const labels = outputOf(body, 'label')?.data ?? [];
  const probabilities = outputOf(body, 'probabilities')?.data ?? [];
  expect(new Set(labels).size).toBeGreaterThan(2);
  for (const [at, { identity }] of asked.entries()) {
    const said = line.get(identity);
    expect(labels[at]).toBe(said?.label);
    const width = model.classes.length;
    const answered = probabilities.slice(at * width, (at + 1) * width);
    expect(answered).toEqual(model.classes.map((name) => said?.probabilities[name]));
  }
});

test('a tensor for each channel, a channel left out, and samples before the window say the same', async () => {
  const { rows } = samples[0] ?? { rows: [] };
  const window = rows.slice(500, 500 + rate);
  const whole = await infer([{ name: 'samples', shape: [1, rate, fields.length], datatype: 'FP64', data: [window] }]);
  expect(whole.status).toBe(200);
  const column = (part: typeof rows, at: number) => part.map((row) => row[at]);
  const byChannel = fields.map((name, at) => ({ name, shape: [1, rate], datatype: 'FP64', data: column(window, at) }));
  expect((await infer(byChannel)).body).toEqual(whole.body);
  const before = rows.slice(200, 500 + rate);
  const shape = [1, before.length, fields.length];
  expect((await infer([{ name: 'samples', shape, datatype: 'FP64', data: [before] }])).body).toEqual(whole.body);
  const without = await infer(byChannel.filter(({ name }) => name !== 'temperature'));
  const gone = window.map((row) => row.map((value, at) => (fields[at] === 'temperature' ? null : value)));
  expect(without.body).toEqual(
    (await infer([{ name: 'samples', shape: [1, rate, fields.length], datatype: 'FP64', data: [gone] }])).body,
  );
});

test('the metadata state the tensors, the rate and the length of a window', async () => {
  const { body } = await send('/v2/models/motor');
  expect(body.inputs).toEqual([
    {
      name: 'samples',
      datatype: 'FP64',
      shape: [-1, -1, fields.length],
      parameters: {
        ...{ fields: JSON.stringify(fields), nulls: true, rate },
        ...{ window_samples: rate, window_ns: 1_000_000_000, every_ns: 1_000_000_000 },
        columns: JSON.stringify(model.fields),
      },
    },
    { name: 'time', datatype: 'BYTES', shape: [-1], parameters: { optional: true } },
  ]);
});

const zeros = (shape: readonly number[], name = 'samples') => ({
  ...{ name, shape, datatype: 'FP64' },
  data: new Array(shape.reduce((product, size) => product * size, 1)).fill(0),
});
const time = (data: readonly unknown[], changes: object = {}) => ({
  ...{ name: 'time', shape: [data.length], datatype: 'BYTES', data },
  ...changes,
});
const sound = zeros([1, 1_000, 6]);
test.each([
  ['no inputs', [], {}, 'inputs: expected a tensor of samples'],
  [
    'rows of features',
    [zeros([2, 6])],
    {},
    'inputs "samples" of shape [2,6]: expected one tensor of shape [windows, samples, 6]',
  ],
  ['a wrong width', [zeros([1, 1_000, 5])], {}, 'inputs "samples": shape [1,1000,5]; expected [windows, samples, 6]'],
  ['no samples', [zeros([1, 0, 6])], {}, 'inputs "samples": no samples'],
  [
    'channels of other windows',
    [zeros([1, 1_000], 'x'), zeros([2, 900], 'y')],
    {},
    'inputs "y": shape [2,900]; expected [1,1000]',
  ],
  ['data that do not fit', [{ ...sound, data: [1] }], {}, 'inputs "samples": 1 elements; shape [1,1000,6] has 6000'],
  [
    'a datatype that is no number',
    [{ ...sound, datatype: 'BYTES' }],
    {},
    'inputs "samples": datatype BYTES; expected one of',
  ],
  [
    'less than a window',
    [zeros([1, 999, 6])],
    {},
    '999 samples at 1000 a second are 0.999 s; a window of the model is 1 s',
  ],
  ['a rate that is none', [sound], { parameters: { rate: 0 } }, 'parameters.rate: 0; expected samples a second'],
  [
    'more windows than anybody needs',
    [sound],
    { parameters: { rate: 0.001 } },
    'the samples span 1000001 windows of the model, at most 100000',
  ],
  [
    'times of another type',
    [sound, time([1], { datatype: 'INT64' })],
    {},
    'inputs "time": INT64 of shape [1]; expected BYTES of [1]',
  ],
  ['a time that is none', [sound, time(['noon'])], {}, 'inputs "time": element 0: '],
  ['samples across two windows', [sound, time(['500000000'])], {}, 'window 0: its samples hold no whole window'],
])('%s: refused, and what is wrong is named', async (_, inputs, rest, message) => {
  const { status, body } = await infer(inputs, rest);
  expect(body.error).toContain(message);
  expect(status).toBe(400);
});

test('whatever shapes, data and times are sent, the answer is 200 or says what is wrong', async () => {
  const size = fc.constantFrom(0, 1, 2, 6, 999, 1_000, 1_001, 1e9, 2 ** 53 - 1);
  const shape = fc.array(size, { maxLength: 4 });
  const value = fc.oneof(fc.double(), fc.constantFrom(null, 0, '1', true, []));
  const filled = fc.tuple(shape, value).map(([wanted, one]) => {
    const elements = wanted.reduce((product, each) => product * each, 1);
    return { shape: wanted, data: new Array(elements <= 20_000 ? elements : 3).fill(one) };
  });
  const name = fc.constantFrom('samples', ...fields, 'time', '__proto__', '');
  const tensor = fc.tuple(name, filled, fc.constantFrom('FP64', 'FP64', 'BYTES', 'INT8', 'x'));
  const times = fc.array(fc.constantFrom('0', '-1', '2026-01-01T00:00:00Z', '9223372036854775807', 'now', 7), {
    maxLength: 3,
  });
  const wanted = fc.record({
    tensors: fc.array(tensor, { maxLength: 3 }),
    times: fc.option(times),
    rate: fc.constantFrom(undefined, 1_000, 1e-6, 1e6, 0, Number.MAX_VALUE, '5', null, {}),
  });
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(wanted, async ({ tensors, times: data, rate: parameter }) => {
      const inputs: object[] = tensors.map(([own, rest, datatype]) => ({ name: own, datatype, ...rest }));
      if (data) inputs.push({ name: 'time', shape: [data.length], datatype: 'BYTES', data });
      const { status, body } = await infer(inputs, { parameters: { rate: parameter } });
      seen.add(status);
      if (status !== 200) expect([status, typeof body.error]).toEqual([400, 'string']);
    }),
    {
      numRuns: 150,
      examples: [
        [
          {
            tensors: [['samples', { shape: [1, 1_000, 6], data: new Array(6_000).fill(1) }, 'FP64']],
            times: ['0'],
            rate: 1_000,
          },
        ],
      ],
    },
  );
  expect([...seen].sort()).toEqual([200, 400]);
});
