import { expect, test } from 'vitest';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { type SampleOptions, sampleDraft } from '../../core/model/testing.ts';
import { prepareDataset } from '../../training/prepare.ts';
import type { GatewayStream } from '../stream.ts';
import { TestGateway, temporaryFolder } from '../testing/gateway.ts';

const channels = ['x', 'y'];
const perWindow = 10;
const windowed: SampleOptions = {
  channels,
  steps: [
    { use: 'window', length: '1s', rate: perWindow },
    { use: 'statistics', features: ['mean'] },
  ] as never,
};

async function scene(options: SampleOptions) {
  const models = openRegistry({ folder: temporaryFolder(), name: 'motor' });
  await models.publish(await sampleDraft(options));
  const stream: GatewayStream = {
    name: 'motor',
    models,
    testIsApart: false,
    async testRows(model) {
      if (!model.steps) throw new Error('the model has no steps');
      return prepareDataset(samples, model.steps);
    },
    checkTraining() {},
  };
  const gateway = await new TestGateway({ streams: [stream] }).start();
  const token = await gateway.admin();
  const model = await models.load(1);
  const predict = (body: object) => gateway.request('/predict', { token, body });
  /** What the model itself says of rows of its own columns. */
  const labelsOf = async (rows: readonly (readonly number[])[]) => {
    const [first = []] = rows;
    const output = await model.open().predict({
      ...{ count: rows.length, width: first.length, values: Float64Array.from(rows.flat()) },
      ...{ devices: rows.map((_, row) => `${row}`), times: new BigInt64Array(rows.length) },
    });
    return Array.from(output.labels, (label) => model.classes[label]);
  };
  return { gateway, token, predict, labelsOf };
}

/** Four windows of one device. */
const samples = {
  ...{ file: 'samples.csv', fields: channels, columns: [], notes: [], count: 40, width: 2, classes: ['ham', 'spam'] },
  values: Float64Array.from({ length: 80 }, (_, at) => Math.floor(at / 20) * 2 + (at % 2)),
  labels: Int32Array.from({ length: 40 }, (_, row) => Math.floor(row / 20)),
  times: BigInt64Array.from({ length: 40 }, (_, row) => BigInt(row) * 100_000_000n),
};

const windowOf = (x: number, y: number) => ({
  values: { x: new Array<number>(perWindow).fill(x), y: new Array<number>(perWindow).fill(y) },
});
const pairs = Array.from({ length: 30 }, (_, at) => [(at * 37) % 10, (at * 53) % 10] as const);

test('windows of samples get the labels of the rows that the steps make of them', async () => {
  const { predict, labelsOf } = await scene(windowed);
  const { status, body } = await predict({ windows: pairs.map(([x, y]) => windowOf(x, y)) });
  expect(status).toBe(200);
  const labels = body.predictions.map(({ label }: { label: string }) => label);
  expect(labels).toEqual(await labelsOf(pairs));
  expect(new Set(labels).size).toBe(2);
  const timed = { ...windowOf(1, 2), time: '2026-01-01T00:00:00Z' };
  expect((await predict({ windows: [timed], rate: perWindow })).status).toBe(200);
  const gaps = await predict({ windows: [{ values: { x: [null, ...new Array(9).fill(1)] } }] });
  expect(gaps).toMatchObject({ status: 200, body: { predictions: [{ gaps: 1 }] } });
});

test('many windows become a task with the same labels', async () => {
  const { gateway, token, predict, labelsOf } = await scene(windowed);
  const many = Array.from({ length: 1_001 }, (_, at) => pairs[at % pairs.length] ?? [0, 0]);
  const { status, body } = await predict({ windows: many.map(([x, y]) => windowOf(x, y)) });
  expect(status).toBe(202);
  const task = async () => (await gateway.request(`/tasks/${body.id}`, { token })).body;
  await expect.poll(async () => (await task()).state, { timeout: 60_000 }).toBe('done');
  const { result } = await task();
  expect(result.predictions.map(({ label }: { label: string }) => label)).toEqual(await labelsOf(many));
});

const refused: [string, object, string?][] = [
  ['rows', { rows: [{ x: 1 }] }, '/windows'],
  ['rows and windows', { rows: [{ x: 1 }], windows: [windowOf(1, 2)] }, '/windows'],
  ['nothing', {}, '/windows'],
  ['a value that the model does not know', { windows: [{ values: { x: [1], z: [1] } }] }, '/windows/0/values/z'],
  ['no samples', { windows: [{ values: {} }] }, '/windows/0/values'],
  ['a time that is none', { windows: [{ ...windowOf(1, 2), time: 'noon' }] }, '/windows/0/time'],
  ['a rate that is none', { windows: [windowOf(1, 2)], rate: 0 }, '/rate'],
  ['less than a window', { windows: [{ values: { x: [1, 2] } }] }],
  ['samples across two windows', { windows: [{ ...windowOf(1, 2), time: '500000000' }] }],
];

test('what is not what the model takes is refused, and what is wrong is named', async () => {
  const { predict } = await scene(windowed);
  for (const [name, body, pointer] of refused) {
    const answer = await predict(body);
    expect({ name, ...answer }).toMatchObject({ name, status: 400, body: { code: 'request-invalid' } });
    expect(answer.body.errors?.[0]?.pointer, name).toBe(pointer);
  }
});

test.each([
  ['its fields', { values: { x: [1], z: [1] } }, '/windows/700/values/z: no value of the model'],
  ['its samples', { ...windowOf(1, 2), time: '500000000' }, 'window 700: its samples hold no whole window'],
])(
  'what is wrong in a later part of a large request is named by its place in the request: %s',
  async (_, wrong, reason) => {
    const { gateway, token, predict } = await scene(windowed);
    const many = Array.from({ length: 1_001 }, (_, at) => (at === 700 ? wrong : windowOf(1, 2)));
    const { status, body } = await predict({ windows: many });
    expect(status).toBe(202);
    const task = async () => (await gateway.request(`/tasks/${body.id}`, { token })).body;
    await expect.poll(async () => (await task()).state, { timeout: 60_000 }).toBe('failed');
    expect((await task()).reason).toContain(reason);
  },
);

test('the status says what a request has to hold, and a sample is a row that the steps made of the test data', async () => {
  const { gateway, token } = await scene(windowed);
  const { body: status } = await gateway.request('/status', { token });
  expect(status.streams).toMatchObject([
    { takes: 'windows', fields: channels, rate: perWindow, windowSamples: perWindow },
  ]);
  const { body: sample } = await gateway.request('/predict/sample?row=1', { token });
  expect(sample).toMatchObject({ row: 1, truth: 'ham', prediction: { label: expect.any(String) } });
  expect(Object.values(sample.values)).toEqual([2, 3]);
});

test('where each reading is a row of samples, rows are sent by their own names', async () => {
  const { gateway, token, predict } = await scene({
    channels: ['a', 'b', 'c', 'd'],
    steps: [{ use: 'smooth', along: 'row', time: '200ms', rate: 10 }] as never,
  });
  const { body: status } = await gateway.request('/status', { token });
  expect(status.streams).toMatchObject([{ takes: 'rows', fields: ['a', 'b', 'c', 'd'] }]);
  const { status: code, body } = await predict({ rows: [{ a: 1, b: 2, c: 3, d: 4 }, [9, 9, 9, 9]] });
  expect({ code, labels: body.predictions.length }).toEqual({ code: 200, labels: 2 });
  expect(await predict({ windows: [{ values: { a: [1] } }] })).toMatchObject({ status: 400 });
});
