import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { AppendError, type EventLog, type LogRecord } from '../../core/log/port.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import { type Fact, factKey, subjectOfKey } from '../../core/wire/fact.ts';
import { factMeasurement, factOfPoint } from '../../core/wire/fact-point.ts';
import { createArchive } from '../archive.ts';
import { createCollector } from '../collector.ts';
import { Spool } from '../spool/spool.ts';
import { pumps, quickFolder, silent, startCollector, type TestCollector, until } from '../testing.ts';

const facts = { admission: [], age: ['age', 'weight'] };
const stream = { ...pumps, facts };
const url = () => new URL('/facts', started?.collector.url ?? '');

let started: TestCollector | undefined;
const folders: string[] = [];
afterEach(async () => {
  await started?.stop();
  started = undefined;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function post(body: unknown, { type = 'application/json', query = '' } = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url()}${query}`, { method: 'POST', headers: { 'content-type': type }, body: text });
  return { status: response.status, body: (await response.json()) as { errors?: unknown[]; [key: string]: unknown } };
}

async function stored() {
  const found: { key: string | null; partition: number; fact: Fact }[] = [];
  for await (const records of (started as TestCollector).log.tail([pumps.topics.facts], { since: 0, follow: false }))
    for (const { key, partition, value } of records)
      found.push({ key, partition, fact: JSON.parse(Buffer.from(value).toString()) });
  return found;
}

test('facts are durable before the response, keyed by their identity, in the partition of their subject', async () => {
  started = await startCollector({ stream });
  const one = { subject: 'p1', kind: 'admission', from: '2024-01-31T12:00:00Z' };
  const other = { subject: 'p1', kind: 'age', from: '5000000000000000000', values: { age: 70, weight: null } };
  expect(await post([one, other])).toEqual({ status: 202, body: { accepted: 2 } });
  const end = { ...one, from: 1_706_702_400, to: 1_706_702_401 };
  const lines = [end, { ...other, from: 1_706_702_400, values: null }].map((fact) => JSON.stringify(fact)).join('\n');
  expect((await post(lines, { type: 'application/x-ndjson', query: '?precision=s' })).status).toBe(202);
  const all = await stored();
  expect(all.map(({ key }) => subjectOfKey(key ?? ''))).toEqual(['p1', 'p1', 'p1', 'p1']);
  expect(new Set(all.map(({ partition }) => partition)).size).toBe(1);
  const ns = '1706702400000000000';
  expect(all.map(({ fact: { received: _, ...fact } }) => fact)).toEqual([
    { stream: 'pumps', subject: 'p1', kind: 'admission', from: ns, values: {} },
    { stream: 'pumps', ...other },
    { stream: 'pumps', subject: 'p1', kind: 'admission', from: ns, to: '1706702401000000000', values: {} },
    { stream: 'pumps', subject: 'p1', kind: 'age', from: ns, values: null },
  ]);
  expect(all[0]?.key).toBe(all[2]?.key);
  expect(await started.registry.metrics()).toContain('gapline_collector_facts_accepted_total 4');
});

test('each fault of each fact is named at its place, and nothing is taken', async () => {
  started = await startCollector({ stream });
  const good = { subject: 'p', kind: 'age', from: '2024-01-31T12:00:00Z', values: { age: 1 } };
  const { status, body } = await post([
    good,
    { ...good, kind: 'aeg' },
    { ...good, values: { hight: 1 } },
    { ...good, to: '2024-01-31T12:00:00Z' },
    { ...good, from: 17 },
    { ...good, subject: '', extra: 1 },
    { ...good, values: { age: 'old' } },
    { kind: 'age', values: {} },
    good,
    [],
  ]);
  expect(status).toBe(400);
  expect(body.code).toBe('fact-invalid');
  const found = (body.errors ?? []) as { pointer: string; code: string; detail: string }[];
  expect(found.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
    '/1/kind unknown',
    '/2/values/hight unknown',
    '/3/to range',
    '/4/from range',
    '/5/subject format',
    '/5/extra unknown',
    '/6/values/age type',
    '/7/subject missing',
    '/7/from missing',
    '/8 duplicate',
    '/9 type',
  ]);
  expect(found[0]?.detail).toContain('did you mean `age`?');
  expect(await stored()).toEqual([]);
  expect((await post('{')).body.code).toBe('body-malformed');
  expect((await post(good, { query: '?precision=h' })).status).toBe(400);
  expect((await post(good, { type: 'text/plain' })).status).toBe(415);
  expect((await fetch(url())).status).toBe(405);
});

test('an object in place of a name, whose length compares with no number, is named at its place', async () => {
  started = await startCollector({ stream });
  const odd = '{"length":{"toString":1,"valueOf":1}}';
  const { status, body } = await post(`{"subject":${odd},"kind":${odd},"from":"2024-01-31T12:00:00Z"}`);
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'fact-invalid', errors: [{ pointer: '/subject' }, { pointer: '/kind' }] });
});

test('a stream without facts says so', async () => {
  started = await startCollector();
  const { status, body } = await post({});
  expect(status).toBe(404);
  expect(body.detail).toContain('takes no facts');
});

test('readings that fill their memory keep no facts out', async () => {
  const stuck = Promise.withResolvers<void>();
  const fact = { subject: 'p', kind: 'age', from: '2024-01-31T12:00:00Z', values: { age: 1 } };
  started = await startCollector({
    stream,
    maxWaitingBytes: 40_000,
    wrap: (log) => ({
      ...log,
      append: (topic, records, options) =>
        topic === pumps.topics.readings ? stuck.promise : log.append(topic, records, options),
      tail: (topics, options) => log.tail(topics, options),
      lag: (group, topics) => log.lag(group, topics),
    }),
  });
  const send = (count: number) => {
    const readings = Array.from({ length: count }, (_, at) => ({
      device: `d${at}`,
      time: `${1_700_000_000 + at}000000000`,
      values: {},
    }));
    return fetch(new URL('/readings', url()), {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify(readings),
    });
  };
  const waiting = send(100);
  const bytes = () => started?.registry.getSingleMetricAsString('gapline_collector_waiting_bytes') ?? '';
  await until(bytes, (text) => Number(/ (\d+)$/m.exec(text)?.[1]) >= 20_000, 30_000);
  expect((await send(1)).status).toBe(503);
  expect((await post(fact)).status).toBe(202);
  stuck.resolve();
  expect((await waiting).status).toBe(202);
});

test('while the log is unavailable, facts wait in a spool of their own and keep their partition', async () => {
  let unavailable = true;
  const folder = quickFolder();
  folders.push(folder);
  started = await startCollector({
    stream,
    wrap: failingWhile(() => unavailable),
    spool: { file: join(folder, 'spool.db') },
  });
  const tell = (index: number) => ({ subject: `p${index % 7}`, kind: 'age', from: `${index + 1}00000000000000000` });
  for (let index = 0; index < 21; index++) expect((await post(tell(index))).status).toBe(202);
  expect(await stored()).toEqual([]);
  unavailable = false;
  const all = await until(stored, ({ length }) => length === 21);
  const partitions = Map.groupBy(all, ({ fact }) => fact.subject);
  for (const own of partitions.values()) expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
  expect(new Set(all.map(({ partition }) => partition)).size).toBeGreaterThan(1);
});

/** As a log whose `append` fails while a function says so. */
const failingWhile =
  (isUnavailable: (records: readonly LogRecord[]) => boolean) =>
  (log: EventLog): EventLog => ({
    ...log,
    append: (topic, records, options) =>
      isUnavailable(records)
        ? Promise.reject(new AppendError('refused', 'it is unavailable'))
        : log.append(topic, records, options),
    tail: (topics, options) => log.tail(topics, options),
    lag: (group, topics) => log.lag(group, topics),
  });

const received = (value: Uint8Array) => (JSON.parse(Buffer.from(value).toString()) as Fact).received;

const admission = { subject: 'p', kind: 'admission', from: '1706702400000000000' };
const corrected = { ...admission, to: '1706788800000000000' };

test('what a worker of an earlier version left in a spool of its own comes before what is accepted now', async () => {
  let isRefused = true;
  const folder = quickFolder();
  folders.push(folder);
  const left = join(folder, 'spool-2.db.facts');
  const spool = new Spool({ file: left, maxBytes: 1_000_000, logger: silent, lost: () => {}, nowMs: Date.now });
  spool.start();
  const old = { stream: 'pumps', ...admission, values: {}, received: '1' };
  spool.append([{ key: factKey(old), value: Buffer.from(JSON.stringify(old)) }]);
  spool.stop();
  started = await startCollector({
    stream,
    // It takes what is new at once, but not yet what was left.
    wrap: failingWhile((records) => isRefused && records.some(({ value }) => received(value) === old.received)),
    spool: { file: join(folder, 'spool.db'), leftoverFacts: [left] },
  });
  expect((await post(corrected)).status).toBe(202);
  expect(await stored()).toEqual([]);
  isRefused = false;
  const all = await until(stored, ({ length }) => length === 2, 30_000);
  expect(all.map(({ fact }) => fact.to)).toEqual([undefined, corrected.to]);
  expect(new Set(all.map(({ partition }) => partition)).size).toBe(1);
  await started.stop();
  started = undefined;
  expect(existsSync(left)).toBe(false);
});

test('of two collectors that are started apart, what waited in the spool of one comes behind what the other appended meanwhile', async () => {
  let unavailable = true;
  const folder = quickFolder();
  folders.push(folder);
  started = await startCollector({
    stream,
    wrap: failingWhile(() => unavailable),
    spool: { file: join(folder, 'one.db') },
  });
  const other = createCollector({
    ...{ stream, log: started.log, logger: silent, registry: new Registry(), host: '127.0.0.1', port: 0 },
    spool: { file: join(folder, 'other.db') },
  });
  await other.start();
  try {
    expect((await post(admission)).status).toBe(202);
    const response = await fetch(new URL('/facts', other.url), {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify(corrected),
    });
    expect(response.status).toBe(202);
    unavailable = false;
    const all = await until(stored, ({ length }) => length === 2, 30_000);
    expect(all.map(({ fact }) => fact.to)).toEqual([corrected.to, undefined]);
    // Told again, the correction is the last one.
    expect((await post(corrected)).status).toBe(202);
    expect((await stored()).at(-1)?.fact.to).toBe(corrected.to);
  } finally {
    await other.stop();
  }
});

test('the archive keeps facts by their identity: corrected, ended and deleted', async () => {
  started = await startCollector({ stream });
  const folder = quickFolder();
  folders.push(folder);
  const logger = pino({ level: 'silent' });
  const store = createSqliteStore({ file: join(folder, 'store.db'), logger });
  await store.start();
  const archive = createArchive({ stream, log: started.log, store, logger, registry: new Registry() });
  await archive.start();
  const from = '2024-01-31T12:00:00Z';
  await post({ subject: 'p', kind: 'age', from, values: { age: 70, weight: 80 } });
  await post({ subject: 'p', kind: 'age', from, to: '2024-02-01T12:00:00Z', values: { age: 71 } });
  await post([
    { subject: 'q', kind: 'age', from, values: { age: 3 } },
    { subject: 'q', kind: 'admission', from },
  ]);
  await post({ subject: 'q', kind: 'age', from, values: null });
  const range = { from: '0', to: '4000000000000000000' };
  const read = async () => {
    const found: (Fact | undefined)[] = [];
    for await (const points of store.read({ measurement: factMeasurement('pumps', 'age'), range }))
      for (const point of points) found.push(factOfPoint(point, 'pumps', 'age'));
    return found;
  };
  const found = await until(read, (facts_) => facts_.length === 2 && facts_.filter((one) => !one).length === 1);
  expect(found.find((one) => one !== undefined)).toMatchObject({
    ...{ subject: 'p', kind: 'age', from: '1706702400000000000', to: '1706788800000000000', values: { age: 71 } },
  });
  await archive.stop();
  await store.stop();
});
