import { InfluxDB, Point } from '@influxdata/influxdb-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Status, statusSchema } from '../../core/wire/status.ts';
import { pumps, startCollector, type TestCollector, until } from '../testing.ts';
import differences from './differences.json' with { type: 'json' };
import cases from './parse.cases.json' with { type: 'json' };

interface Case {
  readonly name: string;
  readonly body: string;
  readonly precision?: string;
  readonly failures?: string;
}

interface Answer {
  readonly status: number;
  readonly body: { code: string; message: string } | undefined;
}

let started: TestCollector;
beforeAll(async () => {
  started = await startCollector();
});
afterAll(() => started.stop());

const collector = (): string => `${started.collector.url}/api/v2/write?org=any&bucket=any`;

async function write(
  address: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(address, { method: 'POST', body, headers });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** Where the collector refuses what InfluxDB takes, by the name of the case; each is argued in `docs/decisions/`. */
const refusedHere = new Map(Object.entries(differences.refusedHere));

describe.each(cases as Case[])('$name', ({ name, body, precision = 'ns', failures }) => {
  test('the collector responds as InfluxDB 2.7 does, except for the listed differences', async () => {
    const response = await write(`${collector()}&precision=${precision}`, body);
    const difference = refusedHere.get(name);
    if (failures !== undefined) expect(response).toMatchObject({ status: 400, body: { code: 'invalid' } });
    else if (difference === undefined) expect(response).toEqual({ status: 204, body: undefined });
    else
      expect(response).toMatchObject({
        status: 400,
        body: { code: 'invalid', message: expect.stringContaining(difference) },
      });
    if (failures !== undefined && difference === undefined) expect(response.body?.message).toBe(failures);
  });

  test.runIf(process.env.GAPLINE_TEST_INFLUXDB)('a real InfluxDB 2.7 responds as the table states', async () => {
    const {
      GAPLINE_TEST_INFLUXDB: url,
      GAPLINE_TEST_INFLUXDB_TOKEN: token,
      GAPLINE_TEST_INFLUXDB_ORG: org,
    } = process.env;
    const bucket = process.env.GAPLINE_TEST_INFLUXDB_BUCKET;
    // A measurement for each case: fields keep their types for ever.
    const own = body.replace(/^m(?=[, ])/gm, `line_protocol_${encodeURIComponent(name).replace(/\W/g, '_')}`);
    const address = `${url}/api/v2/write?org=${org}&bucket=${bucket}&precision=${precision}`;
    const response = await write(address, own, { authorization: `Token ${token}` });
    if (failures === undefined) expect(response).toEqual({ status: 204, body: undefined });
    else expect(response).toMatchObject({ status: 400, body: { code: 'invalid' } });
  });
});

test('each difference that is listed is one', () => {
  const names = new Set((cases as Case[]).map(({ name }) => name));
  expect([...refusedHere.keys()].filter((name) => !names.has(name))).toEqual([]);
});

test('numeric fields that the stream knows become values; the rest is ignored and counted', async () => {
  const own = await startCollector({ deviceTag: 'host', nowMs: () => 1_700_000_000_000 });
  const body =
    'cpu,host=h1,rack=7 a=1.5,A=2i,b=3u,char_freq_;=4,other=5,s="x",t=true 1700000000005\ncpu,host=h2 a=1,a=2 1700000000007';
  expect((await write(`${own.collector.url}/api/v2/write?precision=ms`, body)).status).toBe(204);
  expect(await own.readings()).toEqual(
    expect.arrayContaining([
      {
        stream: 'pumps',
        device: 'h1',
        time: '1700000000005000000',
        values: { a: 1.5, A: 2, b: 3, 'char_freq_;': 4 },
        received: '1700000000000000000',
      },
      { stream: 'pumps', device: 'h2', time: '1700000000007000000', values: { a: 2 }, received: '1700000000000000000' },
    ]),
  );
  expect(await own.registry.metrics()).toContain('gapline_collector_ignored_fields_total 3');
  await own.stop();
});

test('a line without a field that the stream knows is refused alone; the sound lines are taken', async () => {
  const own = await startCollector();
  const body = [
    '# a comment',
    'm,device=d a=1 1700000000000000000',
    'cpu,device=d usage=7 1700000000000000001',
    'm,device=d char_freq=7,A="x" 1700000000000000002',
    'm a=2 1700000000000000003',
    'm,device=d a=3 1700000000',
    'm,device=d a=4 1700000000000000004',
    'm,device=d char_freq=7 1700000000000000005',
  ].join('\n');
  expect(await write(`${own.collector.url}/api/v2/write`, body)).toEqual({
    status: 400,
    body: {
      code: 'invalid',
      message: [
        'partial write: line 3: the stream knows no field "usage"; known are a, A, b, char_freq_;',
        'line 4: field "A" is not a number',
        'line 5: there is no tag "device" to name the device',
        'line 6: 1700000000: the time is in the first 21 days of 1970: seconds? use ?precision=s',
        'line 8: the stream knows no field "char_freq"; known are a, A, b, char_freq_;; did you mean `char_freq_;`? dropped=5',
      ].join('\n'),
    },
  });
  expect((await own.readings()).map(({ values }) => values)).toEqual([{ a: 1 }, { a: 4 }]);
  const status = await until(
    () => statusOf(own),
    (seen) => seen?.unknownFields?.length === 2,
  );
  expect(status?.unknownFields).toEqual([
    { name: 'char_freq', count: 2, near: 'char_freq_;' },
    { name: 'usage', count: 1 },
  ]);
  await own.stop();
});

test('a body that cannot be parsed is refused whole, as by InfluxDB', async () => {
  const own = await startCollector();
  const answer = await write(`${own.collector.url}/api/v2/write`, 'm,device=d a=1 1700000000000000000\nm,device=d a');
  expect(answer.status).toBe(400);
  expect(answer.body?.message).toMatch(/^unable to parse /);
  expect(await own.readings()).toEqual([]);
  await own.stop();
});

test.runIf(process.env.GAPLINE_TEST_INFLUXDB)('a real InfluxDB words a partial write the same way', async () => {
  const { GAPLINE_TEST_INFLUXDB: url, GAPLINE_TEST_INFLUXDB_TOKEN: token } = process.env;
  const { GAPLINE_TEST_INFLUXDB_ORG: org, GAPLINE_TEST_INFLUXDB_BUCKET: bucket } = process.env;
  const body = 'partial_write,device=d a=1 1\npartial_write,device=d a="x" 2';
  const address = `${url}/api/v2/write?org=${org}&bucket=${bucket}`;
  const answer = await write(address, body, { authorization: `Token ${token}` });
  expect(answer.body?.message).toMatch(/partial write: .* dropped=1$/);
});

test('lines of one device and time are one reading, as in InfluxDB; of a field that comes twice the later value is kept', async () => {
  const own = await startCollector();
  const body = ['a=1', 'b=2', 'a=3,A=4', '__proto__=5,A=6'].map((field) => `pumps,device=m ${field} 1764324000`);
  const other = 'pumps,device=n b=7 1764324000';
  const answer = await write(`${own.collector.url}/api/v2/write?precision=s`, [...body, other].join('\n'));
  expect(answer.status).toBe(204);
  const readings = await own.readings();
  expect(readings.map(({ device, time, values }) => [device, time, values]).toSorted()).toEqual([
    ['m', '1764324000000000000', { a: 3, b: 2, A: 6 }],
    ['n', '1764324000000000000', { b: 7 }],
  ]);
  await own.stop();
});

test('a boolean field endsSegment says that the segment is whole, beside values or alone', async () => {
  const own = await startCollector();
  const lines = [
    'a=1,endsSegment=true 1',
    'a=2,endsSegment=false 2',
    'endsSegment=T 3',
    'b=4 4',
    'endsSegment=t 4',
    'a=5,endsSegment=1 5',
  ];
  const body = lines
    .map((line) => `pumps,device=m ${line}`)
    .join('\n')
    .replaceAll(/ (\d)(?=\n|$)/g, ' 176432400$1');
  const answer = await write(`${own.collector.url}/api/v2/write?precision=s`, body);
  expect(answer.status).toBe(204);
  const readings = await own.readings();
  expect(readings.map(({ values, endsSegment }) => [values, endsSegment])).toEqual([
    [{ a: 1 }, true],
    [{ a: 2 }, undefined],
    [{}, true],
    [{ b: 4 }, true],
    [{ a: 5 }, undefined],
  ]);
  // The number is a field that the stream does not know.
  expect(await own.registry.metrics()).toContain('gapline_collector_ignored_fields_total 1');
  expect((await write(collector(), 'pumps,device=m endsSegment=false 1764324000')).status).toBe(400);
  await own.stop();
});

test('with collector.measurement lines of another one are refused', async () => {
  const own = await startCollector({ measurement: 'pumps' });
  const address = `${own.collector.url}/api/v2/write?precision=s`;
  const answer = await write(address, 'pumps,device=m a=1 1764324000\ncpu,device=m a=2 1764324001');
  expect(answer.body?.message).toBe('partial write: line 2: measurement "cpu" is not taken, only "pumps" is dropped=1');
  expect((await own.readings()).map(({ values }) => values)).toEqual([{ a: 1 }]);
  await own.stop();
});

/** The newest status that the collector reported. */
async function statusOf({ log }: TestCollector): Promise<Status | undefined> {
  let status: Status | undefined;
  for await (const records of log.tail([pumps.topics.status], { since: 0, follow: false })) {
    for (const { value } of records) status = statusSchema.parse(JSON.parse(Buffer.from(value).toString()));
  }
  return status;
}

test('lines without a timestamp get times of arrival of their own', async () => {
  const own = await startCollector({ nowMs: () => 1_700_000_000_000 });
  const address = `${own.collector.url}/api/v2/write`;
  expect((await write(address, 'm,device=d a=1\nm,device=d a=2')).status).toBe(204);
  expect((await write(address, 'm,device=d a=3\nm,device=d b=4')).status).toBe(204);
  expect((await own.readings()).map(({ time }) => time)).toEqual([
    '1700000000000000000',
    '1700000000000000001',
    '1700000000000000002',
  ]);
  await own.stop();
});

test('a request that only the collector refuses gets an error in the format of InfluxDB', async () => {
  const precision = await write(`${collector()}&precision=m`, 'm,device=d a=1');
  expect(precision.body).toEqual({
    code: 'invalid',
    message: 'invalid precision; valid precision units are ns, us, ms, and s',
  });
  const large = await write(collector(), 'x'.repeat(10_000_001));
  expect(large).toMatchObject({ status: 413, body: { code: 'request too large' } });
  const bytes = await write(collector(), Uint8Array.of(0x6d, 0xff));
  expect(bytes).toMatchObject({ status: 400, body: { code: 'invalid' } });
  const gzip = await write(collector(), 'm,device=d a=1', { 'content-encoding': 'gzip' });
  expect(gzip).toMatchObject({ status: 400, body: { code: 'invalid' } });
  const many = await write(
    collector(),
    Array.from({ length: 10_001 }, (_, index) => `m,device=d a=1 ${index}`).join('\n'),
  );
  expect(many.status).toBe(413);
});

test("InfluxDB's own client writes to it unchanged", async () => {
  const own = await startCollector();
  const client = new InfluxDB({ url: own.collector.url, token: 'any' });
  const writer = client.getWriteApi('any', 'any', 'ms', { gzipThreshold: 100 });
  for (let index = 0; index < 300; index += 1) {
    writer.writePoint(
      new Point('m')
        .tag('device', 'a b,c=d')
        .floatField('a', index / 7)
        .timestamp(1_700_000_000_000 + index),
    );
  }
  await writer.close();
  const readings = await own.readings();
  expect(readings).toHaveLength(300);
  expect(readings[299]).toMatchObject({ device: 'a b,c=d', time: '1700000000299000000', values: { a: 299 / 7 } });
  await own.stop();
});
