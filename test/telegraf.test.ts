import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type { Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadKafkajs } from '../core/log/kafka/client.ts';
import { makeTopics } from '../core/log/kafka/testing.ts';
import { createInfluxStore } from '../core/store/influxdb.ts';
import { encodeName } from '../core/store/line.ts';
import type { SeriesStore } from '../core/store/port.ts';
import { type Point, predictionToPoint } from '../core/wire/point.ts';
import { type Prediction, predictionSchema } from '../core/wire/prediction.ts';
import { type Status, statusSchema } from '../core/wire/status.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { predictionFormat, renderFormat } from '../telegraf/formats.ts';
import { renderTelegrafConfig } from '../telegraf/stream-input.ts';
import { type Influxdb, startInfluxdb } from './servers/influxdb.ts';
import { type Kafka as KafkaServer, startKafka } from './servers/kafka.ts';
import { freePort, type ServerHandle } from './servers/process.ts';
import { startTelegraf } from './servers/telegraf.ts';

// Needs GAPLINE_TEST_TELEGRAF, and servers of its own, which it kills: those of GAPLINE_TEST_KAFKA and GAPLINE_TEST_INFLUXDB stay.

const program = process.env.GAPLINE_TEST_TELEGRAF;
const here = program !== undefined || process.env.GAPLINE_REQUIRE_SERVERS === '1';
const why = here ? '' : ' (not run: no Telegraf here, GAPLINE_TEST_TELEGRAF is not set)';
const agent = resolve(import.meta.dirname, '../telegraf/telegraf.conf');
const stream = { name: 'spam', fields: ['a'], topics: topicsOf('spam') };

const prediction = (over: Partial<Prediction> = {}): Prediction => ({
  stream: 'spam',
  device: 'd1',
  time: '1700000000000000001',
  label: 'spam',
  probability: 0.75,
  probabilities: { spam: 0.75, ham: 0.25 },
  filled: { a: 1.5 },
  gaps: 1,
  model: { name: 'spambase', version: 1 },
  received: '1700000000000000009',
  latencyMs: 12.5,
  ...over,
});

describe.skipIf(!here)(`what Telegraf makes of a prediction${why}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gapline-telegraf-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs records through the parser of the rendered configuration and the processors of telegraf.conf. */
  async function pointsOf(records: readonly string[]): Promise<Point[]> {
    const run = await mkdtemp(join(folder, 'run-'));
    await Promise.all(records.map((record, index) => writeFile(join(run, `${index}.json`), record)));
    const config = `
[[inputs.file]]
  files = ["${run}/*.json"]
  file_tag = "file"
  name_override = "spam.predictions"
  precision = "1ns"
${renderFormat('file', 'spam', predictionFormat)}
[[outputs.file]]
  files = ["stdout"]
  data_format = "json"
  json_timestamp_units = "1ns"
`;
    await writeFile(join(run, 'run.conf'), config);
    const configs = ['--config', agent, '--config', join(run, 'run.conf')];
    const args = ['--strict-env-handling', ...configs, '--output-filter', 'file', '--once'];
    const { stdout } = await promisify(execFile)(program!, args, { maxBuffer: 1e8 });
    const points: { index: number; point: Point }[] = [];
    for (const line of stdout.split('\n')) {
      if (!line.startsWith('{')) continue;
      const { fields, name, tags } = JSON.parse(line);
      const { file, device, ...others } = tags;
      expect(others).toEqual({});
      const time = /"timestamp":(-?\d+)/.exec(line)![1]!;
      points.push({ index: Number.parseInt(file, 10), point: { measurement: name, device, time, fields } });
    }
    return points.sort((a, b) => a.index - b.index).map(({ point }) => point);
  }

  const text = fc
    .oneof(fc.string({ minLength: 1 }), fc.string({ unit: 'binary', minLength: 1 }))
    .filter((s) => s.isWellFormed());
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }).map(String);
  /** As stream.yaml takes it. */
  const kind = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
  const anyPrediction = fc.record({
    stream: fc.constant('spam'),
    device: text,
    time,
    label: fc.string().filter((s) => s.isWellFormed()),
    probability: share,
    probabilities: fc.dictionary(text, share, { noNullPrototype: true }),
    filled: fc.dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true }), { noNullPrototype: true }),
    gaps: fc.nat(500),
    model: fc.record({ name: text, version: fc.integer({ min: 1 }) }),
    sensitivity: fc.option(share, { nil: undefined }),
    spread: fc.option(share, { nil: undefined }),
    facts: fc.option(fc.dictionary(kind, time, { noNullPrototype: true }), { nil: undefined }),
    truth: fc.option(
      fc.string().filter((s) => s.isWellFormed()),
      { nil: undefined },
    ),
    received: time,
    latencyMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  });

  it('is the point that predictionToPoint makes, whatever is in it', async () => {
    const records = fc.sample(anyPrediction, { numRuns: 300, seed: 7 }).map((one) => JSON.stringify(one));
    // Out of the JSON, which has no -0.
    const expected = records
      .map((record) => predictionToPoint(predictionSchema.parse(JSON.parse(record))))
      .map((one) => ({ ...one, device: encodeName(one.device) }));
    expect(await pointsOf(records)).toEqual(expected);
  }, 60_000);

  it('takes JSON with spaces, leaves out other streams, and cuts no name', async () => {
    const spaced = JSON.stringify(prediction({ truth: 'ham' }), null, 2);
    const records = [
      spaced,
      JSON.stringify(prediction({ stream: 'other' })),
      JSON.stringify(prediction({ device: '#x\n\\' })),
    ];
    expect(await pointsOf(records)).toEqual([
      predictionToPoint(prediction({ truth: 'ham' })),
      { ...predictionToPoint(prediction()), device: '\u241b23x\u241b0a\u241b5c' },
    ]);
  });

  it('leaves out a device that InfluxDB cannot take, and nothing beside it', async () => {
    const records = [prediction({ device: 'x'.repeat(70_000) }), prediction({ device: 'y'.repeat(20_000) })];
    const points = await pointsOf(records.map((one) => JSON.stringify(one)));
    expect(points.map(({ device }) => device.length)).toEqual([20_000]);
  });
});

describe.skipIf(!here)(`Telegraf between Kafka and InfluxDB${why}`, () => {
  const started: { stop(): Promise<void> }[] = [];
  let kafka: KafkaServer;
  let influxdb: Influxdb;
  let telegraf: ServerHandle;
  let store: SeriesStore;
  let producer: Producer;
  let folder: string;
  const expected = new Map<string, Prediction>();

  /** Telegraf comes first, then InfluxDB, then Kafka, then the topics. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gapline-telegraf-'));
    const [kafkaPort, influxdbPort] = [await freePort(), await freePort()];
    const config = join(folder, 'spam.conf');
    await writeFile(config, renderTelegrafConfig({ stream, kafka: { brokers: [`127.0.0.1:${kafkaPort}`] } }));
    telegraf = await startTelegraf({
      configFiles: [agent, config],
      env: {
        GAPLINE_INFLUXDB_URL: `http://127.0.0.1:${influxdbPort}`,
        GAPLINE_INFLUXDB_ORG: 'gapline',
        GAPLINE_INFLUXDB_BUCKET: 'gapline',
        GAPLINE_INFLUXDB_TOKEN: 'gapline-token',
      },
    });
    started.push(telegraf);
    influxdb = await startInfluxdb({ port: influxdbPort });
    started.push(influxdb);
    kafka = await startKafka({ port: kafkaPort });
    started.push(kafka);
    const { Kafka, logLevel } = await loadKafkajs();
    const client = new Kafka({ brokers: [kafka.broker], logLevel: logLevel.NOTHING });
    const topics = Object.values(stream.topics).map((topic) => ({ topic, numPartitions: 3 }));
    await makeTopics(topics, kafka.url);
    producer = client.producer({ retry: { retries: 20 } });
    await producer.connect();
    started.push({ stop: () => producer.disconnect() });
    store = createInfluxStore({ ...influxdb, logger: pino({ level: 'silent' }) });
    await store.start();
    started.push(store);
  }, 120_000);

  afterAll(async () => {
    for (const server of started.reverse()) await server.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const send = (topic: string, records: readonly (Prediction | Status)[]) =>
    producer.send({
      topic,
      messages: records.map((one) => ({ key: 'device' in one ? one.device : null, value: JSON.stringify(one) })),
    });

  async function predict(count: number): Promise<void> {
    const from = expected.size;
    const made = Array.from({ length: count }, (_, index) =>
      prediction({
        device: `device ${index % 7}`,
        time: String(1_700_000_000_000_000_001n + BigInt(from + index)),
        gaps: index % 5,
      }),
    );
    for (const one of made) expected.set(one.time, one);
    for (let at = 0; at < made.length; at += 500) await send(stream.topics.predictions, made.slice(at, at + 500));
  }

  async function read(measurement: string): Promise<Point[]> {
    const points: Point[] = [];
    const range = { from: '0', to: '9223372036854775806' };
    for await (const batch of store.read({ measurement, range })) points.push(...batch);
    return points;
  }

  /** Waits until InfluxDB holds exactly what was sent. */
  async function arrived(): Promise<void> {
    await vi.waitFor(async () => expect((await read('spam.predictions')).length).toBe(expected.size), {
      timeout: 90_000,
      interval: 500,
    });
    const points = await read('spam.predictions');
    const wrong = points.filter((point) => {
      const { device, ...rest } = predictionToPoint(expected.get(point.time)!);
      const { device: found, ...restFound } = point;
      return found !== device || JSON.stringify(sorted(rest)) !== JSON.stringify(sorted(restFound));
    });
    expect(wrong).toEqual([]);
  }
  const sorted = ({ fields, ...rest }: Omit<Point, 'device'>) => ({ ...rest, fields: Object.entries(fields).sort() });

  it('brings predictions once both and the topics are there', async () => {
    await predict(2_000);
    await arrived();
  }, 120_000);

  it('brings shadow and status, with types that stay', async () => {
    await send(stream.topics.shadow, [prediction({ model: { name: 'spambase', version: 2 } })]);
    const status = statusSchema.parse({
      stream: 'spam',
      stage: 'classifier',
      instance: 'one',
      at: '2026-11-21T06:52:04.123Z',
      counters: { readings: 3, labels: 3 },
      model: { name: 'spambase', version: 1 },
      latency: { p50Ms: 1, p99Ms: 2.5 },
      lag: 7,
    });
    await send(stream.topics.status, [
      status,
      { ...status, at: '2026-11-21T06:52:06Z', counters: {}, lastError: { at: 'x', message: 'away' } },
    ]);
    const shadow = predictionToPoint(prediction({ model: { name: 'spambase', version: 2 } }), 'spam.shadow');
    await vi.waitFor(async () => expect(await read('spam.shadow')).toEqual([shadow]), {
      timeout: 60_000,
      interval: 500,
    });
    const flux = 'from(bucket: "gapline") |> range(start: 0) |> filter(fn: (r) => r._measurement == "spam.status")';
    const rows = await vi.waitFor(
      async () => {
        const found = await query(flux);
        expect(found.filter((row) => row._field === 'lastError')).toHaveLength(2);
        return found;
      },
      { timeout: 60_000, interval: 500 },
    );
    const first = rows.filter((row) => row._time === '2026-11-21T06:52:04.123Z');
    expect(Object.fromEntries(first.map((row) => [row._field, row._value]))).toEqual({
      readings: '3',
      labels: '3',
      lag: '7',
      latencyP50Ms: '1',
      latencyP99Ms: '2.5',
      modelName: 'spambase',
      modelVersion: '1',
      reported: '2026-11-21T06:52:04.123Z',
      lastError: '',
    });
    expect(rows.every((row) => row.stage === 'classifier' && row.instance === 'one' && !('stream' in row))).toBe(true);
  }, 150_000);

  /** Rows of an answer in CSV, without annotations; none of the values here has a comma. */
  async function query(flux: string): Promise<Record<string, string>[]> {
    const answer = await fetch(`${influxdb.url}/api/v2/query?org=${influxdb.org}`, {
      method: 'POST',
      headers: {
        authorization: `Token ${influxdb.token}`,
        'content-type': 'application/vnd.flux',
        accept: 'application/csv',
      },
      body: `${flux} |> keep(columns: ["_time", "_field", "_value", "stage", "instance", "stream"]) |> toString()`,
    });
    expect(answer.status).toBe(200);
    const rows: Record<string, string>[] = [];
    for (const table of (await answer.text()).split('\r\n\r\n')) {
      const [header = '', ...lines] = table.trim().split('\r\n');
      const names = header.split(',');
      for (const line of lines)
        rows.push(Object.fromEntries(line.split(',').map((cell, index) => [names[index]!, cell])));
    }
    return rows;
  }

  it('loses nothing while InfluxDB, then Kafka, then itself is killed', async () => {
    await influxdb.kill();
    await predict(3_000);
    await telegraf.kill();
    await predict(500);
    await telegraf.restart();
    await kafka.kill();
    await influxdb.restart();
    await kafka.restart();
    await predict(2_000);
    await arrived();
  }, 240_000);
});
