import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { AppendError, type EventLog, type LogRecord } from '../core/log/port.ts';
import { type Status, statusSchema } from '../core/wire/status.ts';
import { exchange, pumps, quickFolder, startCollector, type TestCollector, until } from './testing.ts';

let started: TestCollector;
afterEach(() => started.stop());

function post(body: string | Buffer, headers: Record<string, string> = {}, query = ''): Promise<Response> {
  return fetch(`${started.collector.url}/readings${query}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** 2023: bare integers in the first days of 1970 are refused. */
const firstTime = 1_700_000_000_000_000_000n;
const timeOf = (step: number): string => String(firstTime + BigInt(step));
const reading = (time: number, device = 'd'): object => ({ device, time: timeOf(time), values: { a: time, b: null } });

test('one reading, an array and NDJSON are accepted, compressed or not', async () => {
  started = await startCollector({ nowMs: () => 1_700_000_000_123 });
  const array = JSON.stringify([reading(2), reading(3)]);
  const lines = `${JSON.stringify(reading(4))}\r\n\n${JSON.stringify(reading(5))}`;
  const ndjson = { 'content-type': 'application/x-ndjson; charset=UTF-8' };
  const gzip = { 'content-encoding': 'gzip' };
  const responses = [
    await post(JSON.stringify({ ...reading(1), truth: 'ok' })),
    await post(array),
    await post(lines, ndjson),
    await post(gzipSync(JSON.stringify(reading(6))), gzip),
    await post(gzipSync(JSON.stringify(reading(7))), { ...ndjson, ...gzip }),
    await post(`\ufeff${JSON.stringify(reading(8))}`, { 'content-type': 'Application/JSON' }),
    await post('[]'),
  ];
  expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 202));
  expect(await Promise.all(responses.map((response) => response.json()))).toEqual(
    [1, 2, 2, 1, 1, 1, 0].map((accepted) => ({ accepted })),
  );
  const readings = await started.readings();
  expect(readings.map(({ time }) => time)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(timeOf));
  expect(readings[0]).toEqual({
    stream: 'pumps',
    device: 'd',
    time: timeOf(1),
    values: { a: 1, b: null },
    truth: 'ok',
    received: '1700000000123000000',
  });
});

test('integers are times in the unit of the query, and of repeated keys the last wins', async () => {
  started = await startCollector();
  const text = '{"device":"x","device":"d","time":1700000000,"values":{"a":1,"a":2},"values":{"b":1,"b":3}}';
  expect((await post(text, {}, '?precision=s')).status).toBe(202);
  expect(await started.readings()).toMatchObject([{ device: 'd', time: '1700000000000000000', values: { b: 3 } }]);
});

test('a record of many samples is logged as it came, and each of them counts for the limit', async () => {
  started = await startCollector({ nowMs: () => 1_700_000_000_123 });
  const samples = { device: 'd', time: timeOf(1), rate: 1_000, values: { a: [1, null, 3], b: [4] }, truth: 'ok' };
  const sent = await post(JSON.stringify([samples, reading(2)]));
  expect([sent.status, await sent.json()]).toEqual([202, { accepted: 2 }]);
  const records = await started.readings();
  expect(records[0]).toEqual({ stream: 'pumps', ...samples, received: '1700000000123000000' });
  const many = { ...samples, time: timeOf(9), values: { a: new Array(10_000).fill(1), b: [] } };
  expect((await post(JSON.stringify(many))).status).toBe(202);
  expect((await post(JSON.stringify([{ ...many, time: timeOf(10) }, samples]))).status).toBe(413);
  const bad = await post(JSON.stringify({ ...samples, values: { a: [1, 'x'], c: [2] } }));
  const { errors } = (await bad.json()) as { errors: { pointer: string; code: string }[] };
  expect([bad.status, ...errors.map(({ pointer, code }) => `${pointer} ${code}`)]).toEqual([
    400,
    '/values/a/1 type',
    '/values/c unknown',
  ]);
  const twice = await post(JSON.stringify([samples, { ...samples, rate: 500 }]));
  expect(twice.status).toBe(400);
});

test('a record that says that its segment is whole is logged with that, and nothing else is said where it is not', async () => {
  started = await startCollector({ nowMs: () => 1_700_000_000_123 });
  const readings = [
    { ...reading(1), endsSegment: true },
    { ...reading(2), endsSegment: false },
    { device: 'd', time: timeOf(3), values: {}, endsSegment: true },
    { device: 'd', time: timeOf(4), rate: 1_000, values: { a: [1, 2] }, endsSegment: true },
  ];
  expect((await post(JSON.stringify(readings))).status).toBe(202);
  const logged = await started.readings();
  expect(logged.map((record) => record.endsSegment)).toEqual([true, undefined, true, true]);
  expect(Object.keys(logged[1] ?? {})).not.toContain('endsSegment');
  const bad = await post(JSON.stringify({ ...reading(5), endsSegment: 'yes' }));
  const { errors } = (await bad.json()) as { errors: { pointer: string; code: string }[] };
  expect([bad.status, ...errors.map(({ pointer, code }) => `${pointer} ${code}`)]).toEqual([400, '/endsSegment type']);
});

test('a time that is too far ahead of the clock is refused', async () => {
  started = await startCollector({ nowMs: () => 1_700_000_000_000, maxAheadMs: 500 });
  expect((await post(JSON.stringify(reading(500_000_000)))).status).toBe(202);
  expect((await post(JSON.stringify(reading(500_000_001)))).status).toBe(400);
});

test('a reading is acknowledged only after the log has it, and requests that wait share one append', async () => {
  const appends: number[] = [];
  const gate = Promise.withResolvers<void>();
  const wrap = (log: EventLog): EventLog =>
    intercept(log, async (topic, records, append) => {
      if (topic === pumps.topics.readings) {
        appends.push(records.length);
        await gate.promise;
      }
      return append();
    });
  started = await startCollector({ wrap });
  let settled = 0;
  const first = post(JSON.stringify(reading(1))).finally(() => (settled += 1));
  await until(
    () => appends.length,
    (count) => count === 1,
  );
  const later = Array.from({ length: 20 }, (_, index) =>
    post(JSON.stringify(reading(index + 2))).finally(() => (settled += 1)),
  );
  const waiting = async () =>
    Number(/gapline_collector_waiting_bytes (\d+)/.exec(await started.registry.metrics())?.[1]);
  const one = await waiting();
  await until(waiting, (bytes) => bytes >= 20 * one);
  expect(settled).toBe(0);
  gate.resolve();
  expect((await Promise.all([first, ...later])).map(({ status }) => status)).toEqual(Array(21).fill(202));
  expect(appends).toEqual([1, 20]);
  expect(await waiting()).toBe(0);
});

test('a full disk of the log is named, at both endpoints', async () => {
  const full = Object.assign(new Error('secret'), { code: 'ENOSPC' });
  const wrap = (log: EventLog): EventLog =>
    intercept(log, (topic, _records, append) =>
      topic === pumps.topics.readings ? Promise.reject(new AppendError('refused', 'secret', full)) : append(),
    );
  started = await startCollector({ wrap });
  const response = await post(JSON.stringify(reading(1)));
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  const problem = JSON.parse(await response.text());
  expect(problem).toMatchObject({ code: 'disk-full', detail: expect.stringContaining('the disk of the log is full') });
  expect(JSON.stringify(problem)).not.toContain('secret');
  const line = await fetch(`${started.collector.url}/api/v2/write`, { method: 'POST', body: 'm,device=d a=1' });
  expect(line.status).toBe(503);
  expect(await line.json()).toMatchObject({ code: 'unavailable', message: expect.stringContaining('disk') });
});

test.each(['refused', 'unknown'] as const)(
  'a log that fails with the outcome "%s" gives 503 with Retry-After, at both endpoints',
  async (outcome) => {
    const wrap = (log: EventLog): EventLog =>
      intercept(log, (topic, _records, append) =>
        topic === pumps.topics.readings
          ? Promise.reject(new AppendError(outcome, 'the disk with a secret name is unavailable'))
          : append(),
      );
    started = await startCollector({ wrap });
    const response = await post(JSON.stringify(reading(1)));
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'log-unavailable', status: 503 });
    expect(text).not.toContain('secret');
    const line = await fetch(`${started.collector.url}/api/v2/write`, { method: 'POST', body: 'm,device=d a=1' });
    expect(line.status).toBe(503);
    expect(Number(line.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await line.json()).toMatchObject({ code: 'unavailable' });
  },
);

test('with a spool, readings are accepted while the log is unavailable', async () => {
  let unavailable = false;
  const wrap = (log: EventLog): EventLog => ({
    ...intercept(log, (topic, _records, append) =>
      unavailable && topic === pumps.topics.readings
        ? Promise.reject(new AppendError('refused', 'unavailable'))
        : append(),
    ),
    lag: (group, topics) => (unavailable ? Promise.reject(new Error('unavailable')) : log.lag(group, topics)),
  });
  const spoolFolder = quickFolder();
  started = await startCollector({ wrap, spool: { file: join(spoolFolder, 'spool.db') } });
  unavailable = true;
  expect((await post(JSON.stringify(reading(1)))).status).toBe(202);
  expect((await post(JSON.stringify([reading(2), reading(3)]))).status).toBe(202);
  const ready = await fetch(`${started.collector.url}/ready`);
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { status: 'warn', output: expect.stringContaining('spool') },
  ]);
  expect(await started.registry.metrics()).toContain('gapline_collector_spool_readings 3');
  unavailable = false;
  const readings = await until(started.readings, (seen) => seen.length === 3);
  expect(readings.map(({ time }) => time)).toEqual([1, 2, 3].map(timeOf));
  expect(await started.registry.metrics()).toContain('gapline_collector_spool_drained_total 3');
  await started.collector.stop();
  rmSync(spoolFolder, { recursive: true });
});

test('a request that would exceed the memory for waiting readings gets 503 at once', async () => {
  const gate = Promise.withResolvers<void>();
  const wrap = (log: EventLog): EventLog =>
    intercept(log, async (_topic, _records, append) => {
      await gate.promise;
      return append();
    });
  started = await startCollector({ wrap, maxWaitingBytes: 1_000 });
  const first = post(JSON.stringify(reading(1)));
  const second = post(JSON.stringify(reading(2)));
  const waiting = async () =>
    Number(/gapline_collector_waiting_bytes (\d+)/.exec(await started.registry.metrics())?.[1]);
  await until(waiting, (bytes) => bytes > 500);
  const full = await post(JSON.stringify([reading(3), reading(4), reading(5)]));
  expect(full.status).toBe(503);
  expect(full.headers.get('retry-after')).toBe('1');
  expect(await full.json()).toMatchObject({ code: 'overloaded' });
  gate.resolve();
  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([202, 202]);
});

test('half a request and bytes that are not HTTP get a response, and the process keeps running', async () => {
  started = await startCollector();
  const { url } = started.collector;
  const head = 'POST /readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  const half = await exchange(url, `${head}content-length: 100\r\n\r\n{"device"`, { half: true });
  expect(half).toMatch(/^HTTP\/1\.1 400 /);
  expect(half).toContain('application/problem+json');
  const chunked = await exchange(url, `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`, { half: true });
  expect(chunked).toMatch(/^HTTP\/1\.1 400 /);
  const noise = await exchange(url, 'hello?\r\n\r\n');
  expect(noise).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"request-malformed"/);
  const long = await exchange(url, `GET /health HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`);
  expect(long).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"headers-too-large"/);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect(await started.readings()).toEqual([]);
});

test('pipelined requests are settled in order, also before a broken one', async () => {
  started = await startCollector();
  const body = JSON.stringify(reading(1));
  const good = `POST /readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const response = await exchange(
    started.collector.url,
    `${good}GET /health HTTP/1.1\r\nhost: localhost\r\n\r\nnonsense\r\n\r\n`,
  );
  expect(response).toMatch(/^HTTP\/1\.1 202 [\s\S]*"accepted":1/);
});

test('pipelined readings stay in order, whether their requests tell a length or come in chunks', async () => {
  started = await startCollector();
  const head = 'POST /readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  const requests = Array.from({ length: 20 }, (_, step) => {
    const body = JSON.stringify(reading(step));
    const chunked = `${head}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    return step % 3 === 0 ? chunked : `${head}content-length: ${body.length}\r\n\r\n${body}`;
  });
  const last = 'GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n';
  const responses = await exchange(started.collector.url, requests.join('') + last);
  expect(responses.match(/HTTP\/1\.1 202 /g)).toHaveLength(20);
  expect((await started.readings()).map(({ time }) => time)).toEqual(requests.map((_, step) => timeOf(step)));
});

test('an unknown path gives 404, and a wrong method 405 with the right ones', async () => {
  started = await startCollector();
  const { url } = started.collector;
  const missing = await fetch(`${url}/nothing`);
  expect([missing.status, await missing.json()]).toMatchObject([404, { code: 'not-found' }]);
  const method = await fetch(`${url}/readings`);
  expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST']);
  expect((await fetch(`${url}/%E0%A4%A`)).status).toBeLessThan(500);
  expect((await fetch(`${url}/health`, { method: 'HEAD' })).status).toBe(200);
});

test('/ready follows the log', async () => {
  let unavailable = false;
  const wrap = (log: EventLog): EventLog => ({
    ...intercept(log, (_topic, _records, append) => append()),
    lag: (group, topics) => (unavailable ? Promise.reject(new Error('unavailable')) : log.lag(group, topics)),
  });
  started = await startCollector({ wrap });
  expect((await fetch(`${started.collector.url}/ready`)).status).toBe(200);
  unavailable = true;
  const response = await until(
    () => fetch(`${started.collector.url}/ready`),
    ({ status }) => status === 503,
  );
  expect(await response.json()).toMatchObject({ status: 'fail' });
  expect((await fetch(`${started.collector.url}/health`)).status).toBe(200);
});

test('it counts in /metrics and reports its status to the log', async () => {
  started = await startCollector();
  await post(JSON.stringify([reading(1), reading(2)]));
  await post('{');
  const metrics = await (await fetch(`${started.collector.url}/metrics`)).text();
  expect(metrics).toContain('gapline_collector_readings_accepted_total{door="readings"} 2');
  expect(metrics).toContain('gapline_collector_requests_total{door="readings",status="400"} 1');
  const statuses: Status[] = [];
  for await (const records of started.log.tail([pumps.topics.status], { since: 0 })) {
    for (const { value } of records) statuses.push(statusSchema.parse(JSON.parse(Buffer.from(value).toString())));
    if (statuses.at(-1)?.counters.accepted === 2) break;
  }
  expect(statuses.at(-1)).toMatchObject({ stage: 'collector', stream: 'pumps', counters: { requests: 2, refused: 1 } });
});

test("what InfluxDB's clients look at answers as they expect, and a query is told where to ask", async () => {
  started = await startCollector();
  const ask = (path: string, method = 'GET') => fetch(`${started.collector.url}${path}`, { method });
  expect(await (await ask('/health')).json()).toEqual({ name: 'gapline', status: 'pass' });
  for (const method of ['GET', 'HEAD']) expect((await ask('/ping', method)).status).toBe(204);
  const query = await ask('/api/v2/query?org=any', 'POST');
  expect([query.status, query.headers.get('x-platform-error-code')]).toEqual([404, 'not found']);
  expect(await query.json()).toEqual({ code: 'not found', message: expect.stringContaining('GET /predictions') });
});

test('the OpenAPI document describes the endpoints', async () => {
  started = await startCollector();
  const document = (await (await fetch(`${started.collector.url}/openapi.json`)).json()) as {
    openapi: string;
    paths: object;
    components: { schemas: { Reading: { properties: { values: { properties: object } } } } };
  };
  expect(document.openapi).toMatch(/^3\.1/);
  expect(Object.keys(document.paths)).toEqual([
    '/readings',
    '/api/v2/write',
    '/health',
    '/ping',
    '/ready',
    '/metrics',
    '/openapi.json',
  ]);
  expect(Object.keys(document.components.schemas.Reading.properties.values.properties)).toEqual(pumps.fields);
});

test('the error names a port that is in use, and stopping waits for requests that are being handled', async () => {
  const gate = Promise.withResolvers<void>();
  const wrap = (log: EventLog): EventLog =>
    intercept(log, async (topic, _records, append) => {
      if (topic === pumps.topics.readings) await gate.promise;
      return append();
    });
  started = await startCollector({ wrap });
  const port = Number(new URL(started.collector.url).port);
  await expect(startCollector({ port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining(String(port)),
  });
  const response = post(JSON.stringify(reading(1)));
  const waiting = async () =>
    Number(/gapline_collector_waiting_bytes (\d+)/.exec(await started.registry.metrics())?.[1]);
  await until(waiting, (bytes) => bytes > 0);
  const stopped = started.collector.stop();
  gate.resolve();
  expect((await response).status).toBe(202);
  await stopped;
  await started.collector.stop();
  expect(await started.readings()).toHaveLength(1);
});

type Append = (topic: string, records: readonly LogRecord[], append: () => Promise<void>) => Promise<void>;

/** The log with something in the way of its appends. */
function intercept(log: EventLog, append: Append): EventLog {
  return {
    start: () => log.start(),
    stop: () => log.stop(),
    ensureTopics: (topics) => log.ensureTopics(topics),
    append: (topic, records, options) => append(topic, records, () => log.append(topic, records, options)),
    pipe: (options, handlers) => log.pipe(options, handlers),
    drain: (options, sink, rejected) => log.drain(options, sink, rejected),
    tail: (topics, options) => log.tail(topics, options),
    lag: (group, topics) => log.lag(group, topics),
    rewind: (group, topics, sinceMs, options) => log.rewind(group, topics, sinceMs, options),
  };
}
