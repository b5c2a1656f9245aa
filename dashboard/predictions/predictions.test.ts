import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import fc from 'fast-check';
import pino from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { problemHandler } from '../../core/http/problem.ts';
import { endsOf, follow } from '../../core/log/follow.ts';
import type { EventLog } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { Problem } from '../../core/wire/problem.ts';
import { PredictionFeed } from './feed.ts';
import { Positions } from './positions.ts';
import { queryPredictions } from './query.ts';
import { RecentPredictions } from './recent.ts';
import { type PredictionsOptions, PredictionsOut } from './routes.ts';

const logger = pino({ level: 'silent' });
const topic = 'pumps.predictions';
const cleanUps: (() => Promise<unknown> | unknown)[] = [];
vi.setConfig({ testTimeout: 120_000 });
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function openLog(): Promise<EventLog> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-predictions-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  const log = createSqliteLog({ file: join(folder, 'log.db'), logger });
  await log.start();
  cleanUps.push(() => log.stop());
  await log.ensureTopics([{ name: topic, partitions: 3, retentionMs: 3_600_000 }]);
  return log;
}

async function serve(log: EventLog, options: Partial<PredictionsOptions> = {}) {
  const predictions = new PredictionsOut({ log, topic, logger, ...options });
  const rights = { mayRead: true };
  const app = express().use(
    predictions.router(
      (_request, _response, next) => next(),
      () => rights.mayRead,
    ),
  );
  app.use(problemHandler('the test', logger));
  const server: Server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    await predictions.stop();
    server.closeAllConnections();
    server.close();
  };
  cleanUps.push(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, predictions, rights, stop };
}

const labels = ['worn', 'well'];
/** Predictions number `from` to `to`; four devices, two labels. */
async function append(log: EventLog, from: number, to: number, padding = ''): Promise<void> {
  const records = Array.from({ length: to - from }, (_, index) => {
    const number = from + index;
    const device = `pump-${number % 4}`;
    const prediction = {
      ...{
        stream: 'pumps',
        device,
        time: String(1_700_000_000_000_000_000n + BigInt(number)),
        label: labels[number % 2],
      },
      ...{ probability: 1, probabilities: {}, filled: {}, gaps: 0, model: { name: 'pumps', version: 1 } },
      ...{ truth: padding, received: '1700000000000000000', latencyMs: 1 },
    };
    return { key: device, value: Buffer.from(JSON.stringify(prediction)) };
  });
  for (let at = 0; at < records.length; at += 500)
    await log.append(topic, records.slice(at, at + 500), { deadlineMs: 20_000 });
}

interface Event {
  readonly id: string;
  readonly name: string;
  readonly data: string;
}

const numberOf = ({ data }: Event): number => Number(BigInt(JSON.parse(data).time) % 1_000_000_000n);
const numbersOf = (events: readonly Event[]) => events.map(numberOf).sort((a, b) => a - b);
const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);

/** A reader of events, as a browser's `EventSource` is. */
function read(url: string, headers: Record<string, string> = {}) {
  const events: Event[] = [];
  const state = { lastId: '', ended: false };
  let rest = '';
  const sent = request(url, { headers });
  const closed = new Promise<void>((resolve) => sent.on('close', resolve));
  sent.on('error', () => {});
  sent.on('response', (response) => {
    response.setEncoding('utf8').on('data', (text: string) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const part = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
        if (part('id') !== '') state.lastId = part('id');
        if (part('data') !== '') events.push({ id: state.lastId, name: part('event'), data: part('data') });
      }
    });
  });
  sent.end();
  void closed.then(() => {
    state.ended = true;
  });
  const close = async () => {
    sent.destroy();
    await closed;
  };
  cleanUps.push(close);
  return { events, state, close, closed, sent };
}

const patient = { timeout: 60_000, interval: 20 };

describe('a stream of events', () => {
  test('begins now, selects by device and label, and resumes behind the last event, each prediction once', async () => {
    const log = await openLog();
    await append(log, 0, 100);
    const { url } = await serve(log);
    const all = read(`${url}/predictions/stream`);
    const one = read(`${url}/predictions/stream?device=pump-1`);
    const worn = read(`${url}/predictions/stream?label=worn`);
    await vi.waitFor(() => expect(one.state.lastId).not.toBe(''), patient);
    await vi.waitFor(() => expect(worn.state.lastId).not.toBe(''), patient);
    await append(log, 100, 200);
    await vi.waitFor(() => expect(numbersOf(all.events)).toEqual(range(100, 200)), patient);
    await vi.waitFor(() => expect(numbersOf(one.events)).toEqual(range(101, 200, 4)), patient);
    await vi.waitFor(() => expect(numbersOf(worn.events)).toEqual(range(100, 200, 2)), patient);
    expect(all.events.every(({ name }) => name === 'prediction')).toBe(true);

    const seen = all.events.slice(0, 37);
    await all.close();
    await append(log, 200, 250);
    const again = read(`${url}/predictions/stream`, { 'last-event-id': seen.at(-1)?.id ?? '' });
    await vi.waitFor(() => expect(numbersOf([...seen, ...again.events])).toEqual(range(100, 250)), patient);
    await append(log, 250, 260);
    await vi.waitFor(() => expect(numbersOf([...seen, ...again.events])).toEqual(range(100, 260)), patient);
  });

  test('resumes after another start of the server, and where the news are long forgotten', async () => {
    const log = await openLog();
    const first = await serve(log);
    const before = read(`${first.url}/predictions/stream`);
    await vi.waitFor(() => expect(before.state.lastId).not.toBe(''), patient);
    await append(log, 0, 10);
    await vi.waitFor(() => expect(before.events).toHaveLength(10), patient);
    await first.stop();
    await before.closed;
    await append(log, 10, 3_000);
    const second = await serve(log, { newsBytes: 20_000 });
    const { lastId } = before.state;
    const after = read(`${second.url}/predictions/stream`, { 'last-event-id': lastId });
    await append(log, 3_000, 4_000);
    await vi.waitFor(() => expect(numbersOf(after.events)).toEqual(range(10, 4_000)), patient);
    const middle = after.events[1_234];
    const rest = read(`${second.url}/predictions/stream`, { 'last-event-id': middle?.id ?? '' });
    const seen = after.events.slice(0, 1_235);
    await vi.waitFor(() => expect(numbersOf([...seen, ...rest.events])).toEqual(range(10, 4_000)), patient);
  });

  test('begins at a time of arrival, and can be broken there without a loss', async () => {
    const log = await openLog();
    await append(log, 0, 20);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const since = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await append(log, 20, 60);
    const { url } = await serve(log);
    const reader = read(`${url}/predictions/stream?since=${since}`);
    await vi.waitFor(() => expect(numbersOf(reader.events)).toEqual(range(20, 60)), patient);
    for (const cut of [0, 1, 17, 39]) {
      const seen = reader.events.slice(0, cut + 1);
      const again = read(`${url}/predictions/stream?since=${since}`, { 'last-event-id': seen.at(-1)?.id ?? '' });
      await vi.waitFor(() => expect(numbersOf([...seen, ...again.events])).toEqual(range(20, 60)), patient);
      await again.close();
    }
  });

  test('a reader that is too slow is cut off, and comes back for the rest; the others lose nothing', async () => {
    const log = await openLog();
    const { url } = await serve(log, { newsBytes: 2_000_000 });
    const quick = read(`${url}/predictions/stream`);
    const slow = read(`${url}/predictions/stream`);
    const [paused] = await once(slow.sent, 'response');
    await vi.waitFor(() => expect(slow.state.lastId).not.toBe(''), patient);
    paused.pause();
    await vi.waitFor(() => expect(quick.state.lastId).not.toBe(''), patient);
    const count = 15_000;
    for (let at = 0; at < count; at += 500) {
      await append(log, at, at + 500, 'x'.repeat(1_000));
      await vi.waitFor(() => expect(quick.events).toHaveLength(at + 500), patient);
    }
    paused.resume();
    await slow.closed;
    expect(slow.events.pop()).toMatchObject({ name: 'resume', data: '{"reason":"too slow"}' });
    expect(slow.events.length).toBeLessThan(count);
    const again = read(`${url}/predictions/stream`, { 'last-event-id': slow.state.lastId });
    const all = () => numbersOf([...slow.events, ...again.events]);
    await vi.waitFor(() => expect(again.events.length).toBe(count - slow.events.length), patient);
    expect(all()).toEqual(range(0, count));
  }, 180_000);

  test('ends when the reader may read no more, and with the server', async () => {
    const log = await openLog();
    const { url, rights, stop } = await serve(log);
    const one = read(`${url}/predictions/stream`);
    await vi.waitFor(() => expect(one.state.lastId).not.toBe(''), patient);
    rights.mayRead = false;
    await vi.waitFor(() => expect(one.state.ended).toBe(true), patient);
    rights.mayRead = true;
    const two = read(`${url}/predictions/stream`);
    await vi.waitFor(() => expect(two.state.lastId).not.toBe(''), patient);
    await stop();
    await vi.waitFor(() => expect(two.state.ended).toBe(true), patient);
  });
});

test('readers of one selection are sent the same bytes, and a device costs only its own readers', async () => {
  const log = await openLog();
  const { url, predictions } = await serve(log);
  const paths = ['', '', '?device=pump-1', '?device=pump-1', '?device=pump-2&label=worn', '?device=pump-2&label=well'];
  const readers = paths.map((query) => read(`${url}/predictions/stream${query}`));
  for (const { state } of readers) await vi.waitFor(() => expect(state.lastId).not.toBe(''), patient);
  expect(predictions.readers.audiences).toBe(4);
  for (let from = 0; from < 400; from += 50) await append(log, from, from + 50);
  const expected = [range(0, 400), range(0, 400), range(1, 400, 4), range(1, 400, 4), range(2, 400, 4), []];
  for (const [index, { events }] of readers.entries())
    await vi.waitFor(() => expect(numbersOf(events)).toEqual(expected[index]), patient);
  expect(readers[0]?.events).toEqual(readers[1]?.events);
  for (const reader of readers) await reader.close();
  await vi.waitFor(() => expect([predictions.readers.count, predictions.readers.audiences]).toEqual([0, 0]), patient);
});

describe('a stream of events, tried', () => {
  test('a record with line breaks makes no event of its own', async () => {
    const log = await openLog();
    const { url } = await serve(log);
    const reader = read(`${url}/predictions/stream`);
    await vi.waitFor(() => expect(reader.state.lastId).not.toBe(''), patient);
    for (const text of ['{"a":1}\n\nid: 0:999\nevent: forged\ndata: {}', '{}\r\rid: 0:998\r\revent: forged'])
      await log.append(topic, [{ key: 'x', value: Buffer.from(text) }], { deadlineMs: 20_000 });
    await append(log, 0, 1);
    await vi.waitFor(() => expect(reader.events.length).toBeGreaterThanOrEqual(3), patient);
    expect(reader.events.map(({ name }) => name)).toEqual(Array(3).fill('prediction'));
    expect(reader.events.every(({ data }) => !data.includes('\r'))).toBe(true);
    expect(reader.state.lastId).not.toContain(':99');
  });

  test('HEAD is answered, and is no reader', async () => {
    const { url, predictions } = await serve(await openLog());
    const response = await fetch(`${url}/predictions/stream`, { method: 'HEAD' });
    expect([response.status, predictions.readers.count]).toEqual([200, 0]);
  });

  test('those who read the log slowly keep nobody else from it', async () => {
    const log = await openLog();
    const { url } = await serve(log, { newsBytes: 10_000, turnMs: 100 });
    const first = read(`${url}/predictions/stream`);
    await vi.waitFor(() => expect(first.state.lastId).not.toBe(''), patient);
    const begin = { 'last-event-id': first.state.lastId };
    await append(log, 0, 15_000, 'x'.repeat(1_000));
    await vi.waitFor(() => expect(first.events.length).toBeGreaterThan(0), patient);
    await first.close();
    const slow = range(0, 4).map(() => read(`${url}/predictions/stream`, begin));
    for (const { sent } of slow) {
      const [response] = await once(sent, 'response');
      response.pause();
    }
    const quick = read(`${url}/predictions/stream?device=pump-1`, begin);
    await vi.waitFor(() => expect(numbersOf(quick.events)).toEqual(range(1, 15_000, 4)), patient);
  }, 180_000);
});

test('who asks and goes away is no failure of the page', async () => {
  const log = await openLog();
  const began = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const tail = (_topics: unknown, { signal }: { signal: AbortSignal }) => ({
    async *[Symbol.asyncIterator]() {
      began.resolve();
      await once(signal, 'abort');
      setImmediate(ended.resolve);
      yield [];
    },
  });
  const errors = vi.spyOn(logger, 'error');
  const slow = new Proxy(log, {
    get: (target, name) => (name === 'tail' ? tail : Reflect.get(target, name, target)),
  });
  const { url } = await serve(slow);
  const asking = new AbortController();
  const answer = fetch(`${url}/predictions`, { signal: asking.signal });
  await began.promise;
  asking.abort();
  await expect(answer).rejects.toThrow();
  await ended.promise;
  await new Promise(setImmediate);
  expect(errors).not.toHaveBeenCalled();
  errors.mockRestore();
});

test('the news after a topic was made anew hold nothing of the former one', async () => {
  const news = new RecentPredictions(1_000_000, new Positions([[0, 90n]]));
  const record = (partition: number, offset: bigint) => ({
    ...{ topic, partition, offset, key: 'x', value: Buffer.from('{}'), arrivedMs: 0 },
  });
  for (const offset of [90n, 91n, 92n]) news.add(record(0, offset));
  for (const offset of [0n, 1n]) news.add(record(0, offset));
  expect(range(news.first, news.next).map((number) => news.at(number)?.labelled.record.offset)).toEqual([0n, 1n]);
  expect(news.reachesBackTo(new Positions([[0, 0n]]))).toBe(true);
});

test('a topic that was made anew and is empty keeps no reader in the log', async () => {
  const log = await openLog();
  const ends = { value: 50n };
  const lag = async () => range(0, 3).map((partition) => ({ topic, partition, end: ends.value, lag: 0n }));
  const changed = new Proxy(log, {
    get(target, name) {
      const value = name === 'lag' ? lag : Reflect.get(target, name, target);
      return typeof value === 'function' && name !== 'lag' ? value.bind(target) : value;
    },
  });
  const feed = new PredictionFeed({ log: changed, topic, logger });
  cleanUps.push(() => feed.stop());
  const news = await feed.recent();
  ends.value = 0n;
  const from = new Positions(range(0, 3).map((partition) => [partition, 20n]));
  from.restartBeyond(await feed.end());
  expect(news.reachesBackTo(from)).toBe(true);
});

test('a partition that was added during an outage is read from its first record', async () => {
  const log = await openLog();
  await append(log, 0, 40);
  const stopping = new AbortController();
  const ends = await endsOf(log, topic);
  const read = () => new Map([0, 1].map((partition) => [partition, (ends.get(partition) ?? 0n) - 1n]));
  const added: bigint[] = [];
  for await (const records of follow({ log, topic, read, signal: stopping.signal, logger })) {
    added.push(...records.map(({ offset }) => offset));
    expect(records.every(({ partition }) => partition === 2)).toBe(true);
    if (added.length === Number(ends.get(2))) break;
  }
  expect(added[0]).toBe(0n);
});

describe('a question', () => {
  const ask = async (url: string) => {
    const response = await fetch(url);
    return { status: response.status, body: (await response.json()) as Problem & { predictions: { time: string }[] } };
  };

  test('is answered with the newest first, of a device, a label, since a time', async () => {
    const log = await openLog();
    await append(log, 0, 400);
    const { url } = await serve(log);
    const numbers = async (query: string) => {
      const { body } = await ask(`${url}/predictions?${query}`);
      expect(body).toMatchObject({ complete: true });
      return body.predictions.map(({ time }) => Number(BigInt(time) % 1_000_000_000n));
    };
    expect(await numbers('')).toEqual(range(300, 400).reverse());
    expect(await numbers('device=pump-2&limit=3')).toEqual([398, 394, 390]);
    expect(await numbers('label=well&limit=2')).toEqual([399, 397]);
    expect(await numbers('since=1700000000000000395')).toEqual([399, 398, 397, 396, 395]);
    expect(await numbers('device=pump-9')).toEqual([]);
    const { body } = await ask(`${url}/predictions/latest?device=pump-3`);
    expect(body).toMatchObject({ device: 'pump-3', time: '1700000000000000399', label: 'well' });
  });

  test.each([
    ['/predictions?limit=0', 400, 'limit=0: a whole number from 1 to 1000'],
    ['/predictions?limit=1001', 400, 'limit=1001'],
    ['/predictions?since=soon', 400, 'since=soon: expected a time'],
    ['/predictions?device=a&device=b', 400, 'device is given more than once'],
    ['/predictions?devise=a', 400, 'devise: no such parameter; there are device, label, since, limit'],
    ['/predictions/stream?limit=5', 400, 'limit: no such parameter'],
    ['/predictions/latest', 400, 'device is missing'],
    ['/predictions/latest?device=nobody', 404, 'no prediction of device nobody'],
  ])('%s is refused with %i', async (path, status, detail) => {
    const { url } = await serve(await openLog());
    const answer = await ask(`${url}${path}`);
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringContaining(detail)]);
  });

  test('an id that is none is refused', async () => {
    const { url } = await serve(await openLog());
    const response = await fetch(`${url}/predictions/stream`, { headers: { 'last-event-id': '0:1;2' } });
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([400, 'query-invalid']);
  });
});

test('a question that would read too much ends with what it has found', async () => {
  const log = await openLog();
  await append(log, 0, 400);
  const ask = (device: string, maxBytes: number) =>
    queryPredictions({ device, limit: 5 }, { log, topic, maxBytes }, new AbortController().signal);
  expect((await ask('pump-1', 10_000_000)).predictions).toHaveLength(5);
  expect(await ask('nobody', 10_000)).toEqual({ predictions: [], complete: false });
  expect(await ask('nobody', 10_000_000)).toEqual({ predictions: [], complete: true });
});

test.each([
  ['few', 400, 2],
  ['many', 20_001, 6],
])('of %s predictions each is read once, in few steps, for a device that nobody knows', async (_, count, most) => {
  const log = await openLog();
  await append(log, 0, count);
  let [steps, records] = [0, 0];
  const counting: Pick<EventLog, 'tail' | 'lag'> = {
    lag: (group, topics) => log.lag(group, topics),
    async *tail(topics, options) {
      steps += 1;
      for await (const batch of log.tail(topics, options)) {
        records += batch.length;
        yield batch;
      }
    },
  };
  const options = { log: counting, topic, nowMs: () => Date.now() + 30_000 };
  const query = { device: 'nobody', limit: 1 };
  expect(await queryPredictions(query, options, new AbortController().signal)).toMatchObject({ complete: true });
  expect(records).toBe(count);
  expect(steps).toBeLessThanOrEqual(most);
});

test('positions are written and read back', () => {
  const pairs = fc.uniqueArray(fc.tuple(fc.nat(999_999), fc.bigInt({ min: 0n, max: 10n ** 18n })), {
    minLength: 1,
    selector: ([partition]) => partition,
  });
  fc.assert(
    fc.property(pairs, fc.nat(), (places, sinceMs) => {
      const positions = new Positions(places, sinceMs);
      const read = Positions.parse(positions.id);
      expect([read?.id, read?.sinceMs, read?.read]).toEqual([positions.id, sinceMs, positions.read]);
    }),
  );
  for (const id of ['', '1', '1:', ':1', '1:2,', '1:-2', 'a:1', '1:2@', `1:${'9'.repeat(20)}`])
    expect(Positions.parse(id)).toBeUndefined();
});

test('a topic that was made anew is read from its beginning', () => {
  const positions = new Positions([
    [0, 100n],
    [1, 5n],
  ]);
  positions.restartBeyond(
    new Positions([
      [0, 7n],
      [1, 9n],
    ]),
  );
  expect(positions.id).toBe('0:0,1:5');
});
