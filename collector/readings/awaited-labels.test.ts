import { afterEach, expect, test, vi } from 'vitest';
import type { EventLog } from '../../core/log/port.ts';
import type { Reading } from '../../core/wire/reading.ts';
import { pumps, silent, startCollector, type TestCollector } from '../testing.ts';
import { AwaitedLabels } from './awaited-labels.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
});

async function start(options: Parameters<typeof startCollector>[0] = {}): Promise<TestCollector> {
  const started = await startCollector(options);
  running.push(started);
  return started;
}

const post = async ({ collector }: TestCollector, query: string, ...readings: object[]) => {
  const response = await fetch(new URL(`/readings?${query}`, collector.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(readings),
  });
  return { status: response.status, body: (await response.json()) as { predictions?: Reading[]; detail?: string } };
};

const predict = (log: EventLog, ...predictions: object[]) =>
  log.append(
    pumps.topics.predictions,
    predictions.map((each) => ({ key: (each as Reading).device, value: Buffer.from(JSON.stringify(each)) })),
    { deadlineMs: 5_000 },
  );

/** Labels all readings of a log as they come, the last one of a batch first; those of the device `silent` never. */
function labelAll(log: EventLog): void {
  const stopping = new AbortController();
  const labelling = (async () => {
    for await (const records of log.tail([pumps.topics.readings], { since: 'now', signal: stopping.signal })) {
      const readings = records.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Reading);
      for (const { device, time, received } of readings.reverse()) {
        if (device === 'silent') continue;
        // What belongs to another sending of the same reading is not the answer.
        await predict(
          log,
          { device, time, received: '1', label: 'old' },
          { device, time, received, label: `${device} é` },
        );
      }
    }
  })();
  running.push({
    async stop() {
      stopping.abort();
      await labelling;
    },
  });
}

const reading = (device: string, time = '1700000000000000000') => ({ device, time, values: { a: 1 } });

test('a sender that waits gets the labels in the order of its readings', async () => {
  const collector = await start();
  labelAll(collector.log);
  const { status, body } = await post(
    collector,
    'wait=20s',
    reading('x'),
    reading('y'),
    reading('x', '1700000000000000006'),
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({
    accepted: 3,
    predictions: [
      { device: 'x', time: '1700000000000000000', label: 'x é' },
      { device: 'y', label: 'y é' },
      { device: 'x', time: '1700000000000000006' },
    ],
  });
  const again = await post(collector, 'wait=20s', reading('x'));
  expect([again.status, again.body.predictions?.length]).toEqual([200, 1]);
});

test('where a label is missing in time, the readings are accepted as ever', async () => {
  const collector = await start();
  labelAll(collector.log);
  const { status, body } = await post(collector, 'wait=300ms', reading('x'), reading('silent'));
  expect([status, body]).toEqual([202, { accepted: 2 }]);
  expect(await post(collector, 'wait=0s', reading('z'))).toEqual({ status: 202, body: { accepted: 1 } });
  expect(await collector.readings()).toHaveLength(3);
});

test('two senders of one reading within a millisecond both get a label', async () => {
  const { log } = await start();
  const labels = new AwaitedLabels({ log, topic: pumps.topics.predictions, logger: silent });
  running.push(labels);
  const sent = { ...reading('x'), received: '2' };
  const record = { key: 'x', value: Buffer.from(JSON.stringify(sent)) };
  const first = await labels.expect([record], 5_000);
  const second = await labels.expect([record], 5_000);
  await predict(log, { ...sent, label: 'one' }, { ...sent, label: 'two' });
  const found = await Promise.all([first?.labels, second?.labels]);
  expect(found.map((texts) => texts?.map((text) => JSON.parse(text).label))).toEqual([['one'], ['two']]);
});

test('a collector that stops tells those who wait that their readings are accepted', async () => {
  const collector = await start();
  const answer = post(collector, 'wait=30s', reading('silent'));
  await vi.waitFor(async () => expect(await collector.readings()).toHaveLength(1), { timeout: 10_000 });
  await collector.collector.stop();
  expect(await answer).toEqual({ status: 202, body: { accepted: 1 } });
});

test('readings do not wait for a log that does not say how far it is', async () => {
  const { log } = await start();
  const mute = new Proxy(log, {
    get: (target, name) => (name === 'lag' ? () => new Promise(() => {}) : Reflect.get(target, name, target)),
  });
  const labels = new AwaitedLabels({ log: mute, topic: pumps.topics.predictions, logger: silent });
  running.push(labels);
  expect(await labels.expect([{ key: 'x', value: Buffer.from(JSON.stringify(reading('x'))) }], 50)).toBeUndefined();
});

test('a stream of windows answers at once', async () => {
  const collector = await start({ labelsReadings: false });
  labelAll(collector.log);
  expect(await post(collector, 'wait=30s', reading('x'))).toEqual({ status: 202, body: { accepted: 1 } });
});

test.each(['wait=2', 'wait=31s', 'wait=-1s', 'wait=1s&wait=2s', 'wait=soon'])('%s is refused', async (query) => {
  const collector = await start();
  const { status, body } = await post(collector, query, reading('x'));
  expect([status, body.detail]).toEqual([400, expect.stringContaining('wait=2s')]);
  expect(await collector.readings()).toEqual([]);
});

test('beyond the bound nobody waits; who has gone makes room', async () => {
  const { log } = await start();
  const labels = new AwaitedLabels({ log, topic: pumps.topics.predictions, logger: silent, most: 2 });
  running.push(labels);
  const record = (device: string) => ({
    key: device,
    value: Buffer.from(JSON.stringify({ ...reading(device), received: '2' })),
  });
  const both = await labels.expect([record('x'), record('y')], 30_000);
  expect(await labels.expect([record('z')], 30_000)).toBeUndefined();
  both?.cancel();
  expect(await both?.labels).toBeUndefined();
  const later = await labels.expect([record('z'), record('x')], 30_000);
  await predict(log, { ...reading('y'), received: '2' }, { ...reading('x'), received: '2', label: 'x' });
  await log.append(pumps.topics.predictions, [{ key: 'z', value: Buffer.from('no JSON') }], { deadlineMs: 5_000 });
  await predict(log, { ...reading('z'), received: '2', label: 'z' });
  const found = await later?.labels;
  expect(found?.map((text) => JSON.parse(text).label)).toEqual(['z', 'x']);
});

test('beyond the bytes that labels may take a request is answered without them, and makes room', async () => {
  const { log } = await start();
  const labels = new AwaitedLabels({ log, topic: pumps.topics.predictions, logger: silent, mostBytes: 2_000 });
  running.push(labels);
  const record = (device: string) => ({
    key: device,
    value: Buffer.from(JSON.stringify({ ...reading(device), received: '2' })),
  });
  const large = await labels.expect([record('x'), record('silent')], 30_000);
  expect(
    await labels.expect(
      Array.from({ length: 10 }, (_, at) => record(`d${at}`)),
      30_000,
    ),
  ).toBeUndefined();
  await predict(log, { ...reading('x'), received: '2', label: 'x'.repeat(2_000) });
  expect(await large?.labels).toBeUndefined();
  const later = await labels.expect([record('y')], 30_000);
  await predict(log, { ...reading('y'), received: '2', label: 'y' });
  expect((await later?.labels)?.map((text) => JSON.parse(text).label)).toEqual(['y']);
});
