import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { totalLag } from '../core/log/port.ts';
import type { Rows } from '../core/model/rows.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { classifierGroup } from './classifier.ts';
import { doubleModel } from './testing/doubles.ts';
import { type Line, openLine, patient } from './testing/line.ts';

let line: Line;
beforeEach(async () => {
  line = await openLine();
});
afterEach(() => line.close());

test('each record gives one prediction, one dead letter or one counted skip', async () => {
  await line.send(
    { device: 'x', time: 1, values: { a: 20, b: null }, truth: 'high' },
    '{"stream":"s"',
    { device: 'y', time: 2, values: { b: 3, c: 5 }, truth: 'high' },
    '{"stream":"other","device":"d","time":"1","values":{},"received":"1"}',
    Uint8Array.of(0xff),
    { device: 'x', time: 3, values: {} },
  );
  const classifier = await line.classify(doubleModel());
  await classifier.taken(6);
  const made = await line.predictions();
  expect(made.map(({ device, time, label, gaps, filled }) => ({ device, time, label, gaps, filled }))).toEqual([
    { device: 'x', time: '1', label: 'high', gaps: 1, filled: { b: 0 } },
    { device: 'x', time: '3', label: 'low', gaps: 2, filled: { a: 0, b: 0 } },
    { device: 'y', time: '2', label: 'low', gaps: 1, filled: { a: 0 } },
  ]);
  for (const record of await line.all(line.stream.topics.predictions)) {
    expect(record.key).toBe(JSON.parse(Buffer.from(record.value).toString()).device);
  }
  const letters = await line.deadLetters();
  expect(letters.map(({ value, encoding }) => [encoding, value]).sort()).toEqual([
    ['base64', '/w=='],
    ['utf8', '{"stream":"s"'],
  ]);
  expect(letters[0]).toMatchObject({ stage: 'classifier', topic: line.stream.topics.readings, key: 'd' });
  expect(classifier.totals()).toMatchObject({
    ...{ readings: 6, labels: 3, gaps: 4, deadLetters: 2, skipped: 1, skippedBy: { 'foreign-stream': 1 } },
    ...{ unknownFields: 1, scored: 2, right: 1, accuracy: 0.5, model: { name: 'double', version: 1 } },
  });
});

test('labels are the same with truth stripped', async () => {
  const readings = Array.from({ length: 50 }, (_, time) => ({
    device: `d${time % 4}`,
    time,
    values: { a: time % 13, b: 3 },
  }));
  await line.send(...readings.map((reading) => ({ ...reading, truth: reading.time % 2 ? 'high' : 'low' })));
  const classifier = await line.classify(doubleModel());
  await classifier.taken(50);
  await line.send(...readings);
  await classifier.taken(100);
  const made = await line.predictions();
  const withTruth = made.filter(({ truth }) => truth !== undefined);
  const without = made.filter(({ truth }) => truth === undefined);
  const labels = (some: typeof made) =>
    some.map(({ device, time, label, filled }) => ({ device, time, label, filled }));
  expect(without).toHaveLength(50);
  expect(labels(without)).toEqual(labels(withTruth));
});

test('a restart resumes where it was, with its state restored', async () => {
  const model = () => doubleModel({ memoryMs: 3_600_000 });
  const first = await line.classify(model());
  await line.send({ device: 'x', time: 1, values: { a: 20, b: 1 } }, 'broken', {
    device: 'y',
    time: 1,
    values: { a: 1 },
  });
  await first.taken(3);
  await first.stop();
  await line.send({ device: 'x', time: 2, values: {} }, { device: 'y', time: 2, values: {} });
  const second = await line.classify(model());
  await second.taken(2);
  const made = (await line.predictions()).filter(({ time }) => time === '2');
  expect(made.map(({ device, label, filled }) => ({ device, label, filled }))).toEqual([
    { device: 'x', label: 'high', filled: { a: 20, b: 1 } },
    { device: 'y', label: 'low', filled: { a: 1, b: 0 } },
  ]);
});

test('a model that is unavailable stalls, visibly, and nothing is lost', async () => {
  let failures = 3;
  const before = () => {
    if (failures-- > 0) throw new GaplineError('model-invalid', 'the model server is unavailable', { retryable: true });
  };
  const classifier = await line.classify(doubleModel({ before }));
  await line.send({ time: 1 }, { time: 2 });
  await classifier.taken(2);
  expect(classifier.totals()).toMatchObject({ labels: 2, deadLetters: 0 });
  expect(await classifier.registry.getSingleMetricAsString('gapline_classifier_stalls_total')).toContain('total 3');
});

test('a reading that the model refuses for good is a dead letter, its neighbours are labelled', async () => {
  const before = ({ values }: Rows) => {
    if (values.includes(13)) throw new GaplineError('model-invalid', 'not thirteen', { retryable: false });
  };
  const classifier = await line.classify(doubleModel({ before }));
  await line.send(...[1, 2, 13, 4].map((a, time) => ({ time, values: { a, b: 0 } })));
  await classifier.taken(4);
  expect((await line.predictions()).map(({ time }) => time)).toEqual(['0', '1', '3']);
  expect(await line.deadLetters()).toMatchObject([{ stage: 'classifier', reason: 'not thirteen' }]);
  expect(classifier.totals().deadLetters).toBe(1);
});

test('an output of the wrong size is refused rather than published', async () => {
  const model = doubleModel();
  const broken = {
    ...model,
    open: () => ({
      warm() {},
      predict: () => ({ labels: new Int32Array(0), probabilities: new Float64Array(0), filled: new Float64Array(0) }),
    }),
  };
  const classifier = await line.classify(broken);
  await line.send({ time: 1 });
  await classifier.taken(1);
  expect(classifier.totals()).toMatchObject({ labels: 0, deadLetters: 1 });
});

test('a model may want its own columns, in its own order', async () => {
  const classifier = await line.classify(doubleModel({ fields: ['b'] }));
  await line.send({ device: 'x', values: { a: 100, b: 3 } }, { device: 'y', values: { a: 1, b: 11 } });
  await classifier.taken(2);
  expect((await line.predictions()).map(({ label }) => label)).toEqual(['low', 'high']);
});

test('a model that needs what the stream does not have is refused at the start', async () => {
  const started = line.classify(doubleModel({ fields: ['a', 'z'] }));
  await expect(started).rejects.toThrow(`needs z, which stream ${line.stream.name} does not have`);
});

test('status and metrics show the same figures', async () => {
  const classifier = await line.classify(doubleModel());
  await line.send({ time: 1, truth: 'low' }, 'broken');
  await classifier.taken(2);
  const status = await vi.waitFor(async () => {
    const last = await line.status();
    expect(last.counters).toMatchObject({ readings: 2 });
    return last;
  }, patient);
  expect(status).toMatchObject({
    ...{ stage: 'classifier', instance: 'one', lag: 0, model: { name: 'double', version: 1 } },
    counters: { readings: 2, labels: 1, deadLetters: 1, scored: 1, right: 1 },
    lastError: { message: expect.stringContaining('the record is not JSON') },
  });
  expect(status.latency!.p99Ms).toBeGreaterThan(0);
  const metrics = await classifier.registry.metrics();
  expect(metrics).toContain('gapline_classifier_labels_total 1');
  expect(metrics).toContain('gapline_classifier_dead_letters_total 1');
  expect(metrics).toContain('gapline_classifier_model_info{name="double",version="1"} 1');
});

test('stopping commits what is in hand, frees the model, and can be done twice', async () => {
  const closed = vi.fn();
  const classifier = await line.classify(doubleModel({ closed }));
  await line.send({ time: 1 });
  await classifier.taken(1);
  await classifier.stop();
  await classifier.stop();
  expect(closed).toHaveBeenCalledTimes(1);
  const lags = await line.log.lag(`${line.stream.name}.classifier`, [line.stream.topics.readings]);
  expect(lags.every(({ lag }) => lag === 0)).toBe(true);
});

test('a registry and a model server that let go of nothing keep no stop from committing', async () => {
  const never = () => new Promise<void>(() => {});
  const model = { ...doubleModel(), close: never };
  const models = { current: async () => model, watch: () => ({ stop: never }) };
  const classifier = await line.classify(models);
  await line.send({ device: 'x', time: 1, values: { a: 1, b: 2 } });
  await classifier.taken(1);
  await classifier.stop();
  expect(totalLag(await line.log.lag(classifierGroup(line.stream), [line.stream.topics.readings]))).toBe(0);
  expect(await line.predictions()).toHaveLength(1);
});
