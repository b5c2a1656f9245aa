import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { type SampleOptions, sampleDraft } from '../../core/model/testing.ts';
import type { GatewayStream } from '../../gateway/stream.ts';
import { type Answer, TestGateway, temporaryFolder } from '../../gateway/testing/gateway.ts';
import { createServing } from '../../serving/serving.ts';

// What the model server labels is what the gateway labels by itself: windows of samples, and rows that steps make of samples.

vi.setConfig({ testTimeout: 300_000 });

const windowed: SampleOptions = {
  channels: ['x', 'y', 'time'],
  steps: [
    { use: 'window', length: '1s', rate: 10 },
    { use: 'statistics', features: ['mean'] },
  ] as never,
};
const byRow: SampleOptions = {
  channels: ['a', 'b', 'c', 'd'],
  steps: [{ use: 'smooth', along: 'row', time: '200ms', rate: 10 }] as never,
};

/** The same request to a gateway that labels itself, and to one that asks a model server. */
async function bothOf(options: SampleOptions) {
  const models = openRegistry({ folder: temporaryFolder(), name: 'motor' });
  await models.publish(await sampleDraft(options));
  const logger = pino({ level: 'silent' });
  const serving = createServing({ models, logger, registry: new Registry(), host: '127.0.0.1', port: 0 });
  await serving.start();
  onTestFinished(() => serving.stop());
  const embedded: GatewayStream = {
    ...{ name: 'motor', models, testIsApart: false },
    testRows: () => Promise.reject(new Error('there is no test data')),
    checkTraining() {},
  };
  const [itself, asking] = await Promise.all(
    [embedded, { ...embedded, serve: { url: serving.url, model: 'motor' } }].map(async (stream) => {
      const gateway = await new TestGateway({ streams: [stream] }).start();
      const token = await gateway.admin();
      return (path: string, body?: object) => gateway.request(path, { token, ...(body && { body }) });
    }),
  );
  if (!itself || !asking) throw new Error('there are two');
  return async (path: string, body?: object): Promise<[Answer, Answer]> => [
    await itself(path, body),
    await asking(path, body),
  ];
}

const told = ({ status, body }: Answer) => {
  const { instance: _, requestId: __, ...rest } = body;
  return { status, ...rest };
};

const samples = (value: number, length = 10) => Array.from({ length }, (_, at) => (value * 37 + at * 53) % 10);

test('windows get the labels of the gateway itself: of any length, with gaps, times, and channels that were measured less often', async () => {
  const both = await bothOf(windowed);
  const windows = [
    { values: { x: samples(1), y: samples(2), time: samples(3) } },
    { values: { y: samples(4), x: [...samples(5, 9), null] }, time: '2026-01-01T00:00:00Z' },
    { values: { x: samples(6, 25), y: samples(7, 5), time: [] } },
    { values: { x: samples(8), y: samples(9), time: samples(1) } },
    { values: { x: [null, 1], y: samples(2) } },
  ];
  const [itself, asked] = await both('/predict', { windows });
  expect(told(itself)).toMatchObject({ status: 200, predictions: windows.map(() => ({ label: expect.any(String) })) });
  expect(itself.body.predictions.some(({ filled }: { filled: object }) => Object.keys(filled).length > 0)).toBe(true);
  expect(told(asked)).toEqual(told(itself));
  const [own, other] = await both('/status');
  expect(own.body.streams).toMatchObject([{ takes: 'windows', fields: ['x', 'y', 'time'], windowSamples: 10 }]);
  expect(other.body).toEqual(own.body);
});

const whole = { values: { x: samples(1), y: samples(2) } };

test.each<[string, object]>([
  ['rows', { rows: [{ x: 1 }] }],
  ['an unknown channel', { windows: [whole, { values: { x: [1], z: [1] } }] }],
  ['no samples', { windows: [{ values: {} }] }],
  ['less than a window', { windows: [whole, { values: { x: [1, 2] } }] }],
  ['samples across two windows', { windows: [whole, { ...whole, time: '0' }, { ...whole, time: '500000000' }] }],
])('what is wrong is refused as by the gateway itself, and named by its place: %s', async (_, body) => {
  const both = await bothOf(windowed);
  const [itself, asked] = await both('/predict', body);
  expect(told(itself)).toMatchObject({ status: 400, code: 'request-invalid' });
  expect(told(asked)).toEqual(told(itself));
});

const numbers = fc.array(fc.oneof({ weight: 9, arbitrary: fc.double({ noNaN: true }) }, fc.constant(null)), {
  ...{ maxLength: 31, size: 'max' },
});
const anyWindow = fc.record(
  {
    values: fc.dictionary(fc.constantFrom('x', 'y', 'time', 'z'), numbers, { maxKeys: 3 }),
    time: fc.constantFrom('0', '400000000', '2026-01-01T00:00:00.25Z', 'noon', '-1'),
  },
  { requiredKeys: ['values'] },
);
const anyBody = fc.record(
  {
    windows: fc.array(anyWindow, { minLength: 1, maxLength: 6 }),
    rate: fc.constantFrom(5, 10, 12.5, 1_000, 1e-6, 1e6),
  },
  { requiredKeys: ['windows'] },
);

test('whatever windows are sent, the answer is that of the gateway itself, and names what is wrong', async () => {
  const both = await bothOf(windowed);
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(anyBody, async (body) => {
      const [itself, asked] = await both('/predict', body);
      statuses.add(itself.status);
      expect([200, 400]).toContain(itself.status);
      expect(asked.status).toBe(itself.status);
      if (itself.status === 200) expect(told(asked)).toEqual(told(itself));
      else expect(asked.body).toMatchObject({ code: 'request-invalid', errors: itself.body.errors });
    }),
    { numRuns: 60, seed: 1 },
  );
  expect([...statuses].sort()).toEqual([200, 400]);
});

test('rows that steps make of one sample each get the labels of the gateway itself', async () => {
  const both = await bothOf(byRow);
  const rows = [
    { a: 1, b: 2, c: 3, d: 4 },
    [9, null, 9, 9],
    { a: null, b: null },
    ...Array.from({ length: 20 }, (_, at) => samples(at, 4)),
  ];
  const [itself, asked] = await both('/predict', { rows });
  expect(itself).toMatchObject({ status: 200, body: { predictions: { length: rows.length } } });
  expect(told(asked)).toEqual(told(itself));
  const [own, other] = await both('/status');
  expect(other.body).toEqual(own.body);
  const [refused, alike] = await both('/predict', { windows: [whole] });
  expect(refused.status).toBe(400);
  expect(told(alike)).toEqual(told(refused));
});
