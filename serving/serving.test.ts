import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Access } from '../core/access/access.ts';
import type { Model } from '../core/model/model.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import type { Registry as Models } from '../core/model/registry/port.ts';
import { sampleDraft } from '../core/model/testing.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { DeviceRows } from './device-rows.ts';
import { createServing } from './serving.ts';

const fields = ['a', '__proto__', 'c;'];
const logger = pino({ level: 'silent' });

let folder: string;
let models: Models;
let model: Model;
let serving: ReturnType<typeof createServing>;
let registry: Registry;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-serving-'));
  models = openRegistry({ folder, name: 'm' });
  await models.publish(await sampleDraft({ fields, seed: 1 }));
  model = await models.load(1);
  registry = new Registry();
  serving = createServing({ models, logger, registry, host: '127.0.0.1', port: 0 });
  await serving.start();
});
afterAll(async () => {
  await serving.stop();
  await serving.stop();
  await model.close();
  rmSync(folder, { recursive: true, force: true });
});

async function send(path: string, init: RequestInit = {}) {
  const response = await fetch(new URL(path, serving.url), init);
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

const infer = (body: unknown, path = '/v2/models/m/infer') =>
  send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const rows = [
  [1, 2, 3],
  [9.5, null, 0.25],
  [null, null, null],
];
const tensor = { name: 'x', shape: [3, 3], datatype: 'FP64', data: rows.flat() };

/** The output of the model itself for the rows, each by itself. */
async function direct() {
  const values = Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
  const times = new BigInt64Array(3);
  const output = await model.open().predict({ count: 3, width: 3, values, devices: ['x', 'y', 'z'], times });
  return {
    label: Array.from(output.labels, (label) => model.classes[label]),
    probabilities: [...output.probabilities],
    filled: [...output.filled],
  };
}

type Outputs = { name: string; shape: number[]; datatype: string; data: unknown[] }[];
const outputOf = (body: { outputs: Outputs }, name: string) => body.outputs.find((output) => output.name === name);

test('the response has the output of the model, with gaps too', async () => {
  const { status, body } = await infer({ id: 'q1', inputs: [tensor] });
  const expected = await direct();
  expect(status).toBe(200);
  expect(body).toEqual({
    model_name: 'm',
    model_version: '1',
    id: 'q1',
    outputs: [
      { name: 'label', shape: [3], datatype: 'BYTES', data: expected.label },
      { name: 'probabilities', shape: [3, 2], datatype: 'FP64', data: expected.probabilities },
    ],
  });
});

test('outputs can be chosen', async () => {
  const { body } = await infer({ inputs: [tensor], outputs: [{ name: 'filled' }, { name: 'classes' }] });
  expect(body.outputs).toEqual([
    { name: 'filled', shape: [3, 3], datatype: 'FP64', data: (await direct()).filled },
    { name: 'classes', shape: [2], datatype: 'BYTES', data: ['ham', 'spam'] },
  ]);
});

test.each([
  ['nested', [{ ...tensor, data: rows }]],
  [
    'by field, in any order',
    [2, 0, 1].map((at) => ({ name: fields[at], shape: [3], datatype: 'FP32', data: rows.map((row) => row[at]) })),
  ],
  [
    'by field, as columns',
    [0, 1, 2].map((at) => ({ name: fields[at], shape: [3, 1], datatype: 'FP32', data: rows.map((row) => [row[at]]) })),
  ],
])('rows may come %s', async (_, inputs) => {
  const { status, body } = await infer({ inputs });
  expect(status).toBe(200);
  expect(outputOf(body, 'probabilities')?.data).toEqual((await direct()).probabilities);
});

test('a field that is left out is a gap', async () => {
  const only = { name: 'a', shape: [1], datatype: 'INT64', data: [4] };
  const all = { name: 'x', shape: [1, 3], datatype: 'FP64', data: [4, null, null] };
  const [one, whole] = [await infer({ inputs: [only] }), await infer({ inputs: [all] })];
  expect(one.body.outputs).toEqual(whole.body.outputs);
});

test('an output that is named twice comes once, and an empty list is as none', async () => {
  const twice = await infer({ inputs: [tensor], outputs: [{ name: 'label' }, { name: 'filled' }, { name: 'label' }] });
  expect(twice.body.outputs.map(({ name }: { name: string }) => name)).toEqual(['label', 'filled']);
  const { body: whole } = await infer({ inputs: [tensor] });
  expect((await infer({ inputs: [tensor], outputs: [] })).body.outputs).toEqual(whole.outputs);
});

test('many rows of a wide model are refused before memory is taken for them', async () => {
  const name = 'wide';
  const many = openRegistry({ folder, name });
  await many.publish(await sampleDraft({ fields: Array.from({ length: 500 }, (_, at) => `f${at}`) }));
  const server = createServing({ models: many, logger, registry: new Registry(), host: '127.0.0.1', port: 0 });
  await server.start();
  const inferRows = async (count: number, outputs?: { name: string }[]) => {
    const inputs = [{ name: 'f0', shape: [count], datatype: 'FP64', data: new Array(count).fill(1) }];
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ inputs, outputs });
    const response = await fetch(new URL(`/v2/models/${name}/infer`, server.url), { method: 'POST', headers, body });
    return { status: response.status, text: await response.text() };
  };
  const wide = await inferRows(8_001);
  expect([wide.status, wide.text]).toEqual([400, expect.stringContaining('expected at most 8000 rows')]);
  const filled = await inferRows(7_990, [{ name: 'filled' }, { name: 'probabilities' }]);
  expect([filled.status, filled.text]).toEqual([400, expect.stringContaining('expected at most 4000000')]);
  expect((await inferRows(10)).status).toBe(200);
  await server.stop();
});

test('a row is not filled from another, nor from an earlier request', async () => {
  const name = 'remembers';
  const others = openRegistry({ folder, name });
  await others.publish(await sampleDraft({ fields, imputer: { kind: 'last' } }));
  const server = createServing({ models: others, logger, registry: new Registry(), host: '127.0.0.1', port: 0 });
  await server.start();
  const filledOf = async (data: (number | null)[]) => {
    const inputs = [{ name: 'x', shape: [data.length / 3, 3], datatype: 'FP64', data }];
    const url = new URL(`/v2/models/${name}/infer`, server.url);
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ inputs, outputs: [{ name: 'filled' }] });
    const { outputs } = JSON.parse(await (await fetch(url, { method: 'POST', headers, body })).text());
    return outputs[0].data.slice(-3);
  };
  const alone = await filledOf([null, null, null]);
  expect(await filledOf([7, 8, 9, null, null, null])).toEqual(alone);
  expect(await filledOf([null, null, null])).toEqual(alone);
  await server.stop();
});

describe('what is wrong is named', () => {
  test.each([
    ['no body', '', 'inputs: '],
    ['broken JSON', '{"inputs":', 'the body is not JSON: '],
    ['a list', '[1]', 'the request: '],
    ['no inputs', {}, 'inputs: '],
    ['empty inputs', { inputs: [] }, 'inputs: '],
    ['no shape', { inputs: [{ name: 'x', datatype: 'FP64', data: [] }] }, 'inputs.0.shape: '],
    ['an empty shape', { inputs: [{ ...tensor, shape: [] }] }, 'inputs "x": shape []; expected [rows]'],
    ['text', { inputs: [{ ...tensor, datatype: 'BYTES' }] }, 'inputs "x": datatype BYTES; expected one of BOOL'],
    ['no rows', { inputs: [{ ...tensor, shape: [0, 3], data: [] }] }, 'inputs "x": 0 rows; expected 1 to 10000'],
    ['too many rows', { inputs: [{ ...tensor, shape: [10_001, 3] }] }, 'inputs "x": 10001 rows'],
    ['too few elements', { inputs: [{ ...tensor, data: [1] }] }, 'inputs "x": 1 elements; shape [3,3] has 9'],
    ['too many elements', { inputs: [{ ...tensor, data: new Array(10).fill(1) }] }, 'inputs "x": 10 elements'],
    [
      'another width',
      { inputs: [{ ...tensor, shape: [3, 2] }] },
      'inputs "x" of shape [3,2]: expected one tensor of shape [rows, 3]',
    ],
    [
      'a word',
      { inputs: [{ ...tensor, shape: [1, 3], data: [1, 'NaN', 2] }] },
      'inputs "x": element 1 is "NaN"; expected a finite number',
    ],
    [
      'a huge number',
      JSON.stringify({ inputs: [{ ...tensor, shape: [1, 3], data: [1, 2, 3] }] }).replace('[1,2,3]', '[1,1e999,3]'),
      'element 1 is Infinity',
    ],
    [
      'a field twice',
      { inputs: [0, 1].map(() => ({ name: 'a', shape: [1], datatype: 'FP64', data: [1] })) },
      'inputs "a" is there twice',
    ],
    [
      'one output 3,000 times',
      { inputs: [tensor], outputs: new Array(3_000).fill({ name: 'filled' }) },
      'outputs: 3000 entries; expected at most 16',
    ],
    ['more tensors than fields', { inputs: new Array(4).fill(tensor) }, 'inputs: 4 entries; expected at most 3'],
    [
      'a shape without end',
      { inputs: [{ ...tensor, shape: new Array(100_000).fill('x') }] },
      'inputs.0.shape: 100000 entries; expected at most 8',
    ],
    [
      '200,000 nested brackets as data',
      `{"inputs":[{"name":"x","shape":[3,3],"datatype":"FP64","data":${'['.repeat(200_000)}${']'.repeat(200_000)}}]}`,
      'element 0 is a list',
    ],
    [
      '200,000 nested brackets as parameters',
      `{"parameters":${'['.repeat(200_000)}${']'.repeat(200_000)},"inputs":[]}`,
      'parameters: ',
    ],
    ['200,000 nested brackets as the body', '['.repeat(200_000) + ']'.repeat(200_000), 'the request: '],
    ['200,000 open brackets', '['.repeat(200_000), 'the body is not JSON: '],
    ['200,000 nested objects', `${'{"inputs":'.repeat(200_000)}1${'}'.repeat(200_000)}`, 'inputs: '],
    [
      'an output that is not',
      { inputs: [tensor], outputs: [{ name: 'y' }] },
      'outputs "y": expected one of label, probabilities',
    ],
  ])('%s', async (_, body, error) => {
    const response = await infer(body);
    expect(response.status).toBe(400);
    expect(response.body.error).toContain(error);
  });

  test('another model, version, path, method, media type, and a body too large', async () => {
    const responses = [
      [await infer({}, '/v2/models/other/infer'), 404, 'there is no model other; m is served'],
      [await infer({}, '/v2/models/m/versions/7/infer'), 404, 'version 7 of m is not served; version 1 is'],
      [await send('/v3'), 404, 'there is nothing at /v3'],
      [await send('/v2/models/m/infer'), 405, 'GET is not allowed'],
      [await send('/v2/models/m/infer', { method: 'POST', body: 'x' }), 415, 'application/json'],
      [await infer(`"${'x'.repeat(11 << 20)}"`), 413, 'larger than'],
    ] as const;
    for (const [response, status, error] of responses) {
      expect(response.status).toBe(status);
      expect(response.body.error).toContain(error);
    }
  });
});

test('health and metadata are those of the protocol', async () => {
  expect((await send('/v2')).body).toEqual({ name: 'gapline', version: '2', extensions: [] });
  expect((await send('/v2/health/live')).body).toEqual({ live: true });
  expect((await send('/v2/health/ready')).body).toEqual({ ready: true });
  expect((await send('/v2/models/m/ready')).body).toEqual({ name: 'm', ready: true });
  expect((await send('/v2/models/m/versions/1/ready')).status).toBe(200);
  const { body } = await send('/v2/models/m/versions/1');
  expect(body).toMatchObject({ name: 'm', versions: ['1'], platform: 'gapline' });
  expect(body.inputs[0]).toMatchObject({ name: 'values', datatype: 'FP64', shape: [-1, 3] });
  expect(JSON.parse(body.inputs[0].parameters.fields)).toEqual(fields);
  expect(JSON.parse(body.outputs[1].parameters.classes)).toEqual(['ham', 'spam']);
  const metrics = await (await fetch(new URL('/metrics', serving.url))).text();
  expect(metrics).toContain('gapline_serving_rows_total');
  expect(metrics).toContain('gapline_serving_failures_total{status="404"}');
});

test('with tokens only their holders get predictions, but health is open; without tokens it listens on loopback only', async () => {
  const access = new Access({ token: 'secret', logger });
  access.start();
  const server = createServing({ models, logger, registry: new Registry(), host: '127.0.0.1', port: 0, access });
  await server.start();
  const statusOf = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(new URL(path, server.url), { headers })).status;
  expect(await statusOf('/v2/models/m')).toBe(401);
  expect(await statusOf('/metrics')).toBe(401);
  expect(await statusOf('/v2/models/m', { authorization: 'Bearer wrong' })).toBe(401);
  expect(await statusOf('/v2/models/m', { authorization: 'Bearer secret' })).toBe(200);
  for (const path of ['/health', '/ready', '/v2/health/live', '/v2/health/ready'])
    expect(await statusOf(path)).toBe(200);
  await server.stop();
  access.stop();

  const open = { models, logger, registry: new Registry(), host: '0.0.0.0', port: 0, access: new Access({ logger }) };
  await expect(createServing(open).start()).rejects.toMatchObject({ code: 'access-required' });
});

test('a moved alias is followed while requests continue', async () => {
  await models.publish(await sampleDraft({ fields, seed: 2 }));
  await models.point('champion', 2);
  await vi.waitFor(
    async () => {
      const { status, body } = await infer({ inputs: [tensor] });
      expect(status).toBe(200);
      expect(body.model_version).toBe('2');
    },
    { timeout: 15_000, interval: 20 },
  );
});

test('a port in use and a missing model are errors at the start', async () => {
  const options = { logger, registry: new Registry(), host: '127.0.0.1' };
  const port = Number(new URL(serving.url).port);
  await expect(createServing({ ...options, models, port }).start()).rejects.toMatchObject({ code: 'port-in-use' });
  const none = openRegistry({ folder, name: 'none' });
  const missing = createServing({ ...options, registry: new Registry(), models: none, port: 0 });
  await expect(missing.start()).rejects.toMatchObject({ code: 'model-missing' });
});

describe('a request that names a device', () => {
  const request = (...inputs: object[]) => ({ inputs });
  const text = (name: string, ...data: unknown[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });

  async function servingOf(devices: DeviceRows | undefined) {
    const options = { models, logger, registry: new Registry(), host: '127.0.0.1', port: 0 };
    const own = createServing({ ...options, ...(devices && { devices }) });
    await own.start();
    onTestFinished(() => own.stop());
    return async (body: object) => {
      const response = await fetch(new URL('/v2/models/m/infer', own.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
    };
  }

  const asked: [string, bigint | undefined][] = [];
  const served: (number | undefined)[] = [];
  const known: DeviceRows = {
    use: (version) => void served.push(version?.identity.version),
    async predict(version, device, atNs) {
      if (device === 'late') throw new GaplineError('state-restoring', 'not yet', { retryable: true });
      if (device === 'out') throw new GaplineError('fact-missing', 'no admission of "out" holds');
      asked.push([device, atNs]);
      const values = Float64Array.of(1, Number.NaN, 3);
      const rows = { count: 1, width: 3, values, devices: [device], times: BigInt64Array.of(5n) };
      return { rows, output: await version.open().predict(rows), time: '5', facts: { admission: '2' } };
    },
    stop: async () => {},
  };

  test('gets label, values, gaps, facts and time; errors carry their code', async () => {
    const answer = await servingOf(known);
    const found = await answer(request(text('device', 'p')));
    expect(found.status).toBe(200);
    const given = found.body.outputs as Outputs;
    expect(given.map(({ name }) => name)).toEqual(['label', 'probabilities', 'values', 'gaps', 'facts', 'time']);
    expect(outputOf(found.body, 'values')).toEqual({
      name: 'values',
      shape: [1, 3],
      datatype: 'FP64',
      data: [1, null, 3],
    });
    expect(outputOf(found.body, 'gaps')).toMatchObject({ datatype: 'INT64', data: [1] });
    expect(outputOf(found.body, 'facts')?.data).toEqual(['{"admission":"2"}']);
    await answer({
      ...request(text('time', '1970-01-01T00:00:01Z'), text('device', 'p')),
      outputs: [{ name: 'label' }],
    });
    expect(asked).toEqual([
      ['p', undefined],
      ['p', 1_000_000_000n],
    ]);
    expect(await answer(request(text('device', 'out')))).toMatchObject({ status: 409, body: { code: 'fact-missing' } });
    const late = await answer(request(text('device', 'late')));
    expect(late).toMatchObject({ status: 503, body: { code: 'state-restoring' } });
    expect(late.headers.get('retry-after')).toBe('1');
    expect(served).toHaveLength(1);
  });

  test.each([
    [[text('device', 'p', 'q')], 'inputs "device": BYTES of shape [2]; expected BYTES of [1], one text'],
    [[text('device', 7)], 'inputs "device": BYTES of shape [1]; expected BYTES of [1], one text'],
    [[text('device', '')], 'inputs "device": it is empty; expected a name'],
    [[text('device', 'p'), text('time', 'noon')], 'inputs "time": '],
    [[text('device', 'p'), text('a', 'x')], 'inputs "a": expected device and time only'],
    [[text('device', 'p'), text('device', 'p')], 'inputs "device": expected device and time only'],
  ])('is refused where it is wrong: %#', async (inputs, reason) => {
    const { status, body } = await (await servingOf(known))(request(...inputs));
    expect(status).toBe(400);
    expect(body.error).toContain(reason);
  });

  test('is refused by a server that follows no log', async () => {
    const { status, body } = await (await servingOf(undefined))(request(text('device', 'p')));
    expect({ status, body }).toMatchObject({ status: 400, body: { error: expect.stringContaining('follows no log') } });
  });
});
