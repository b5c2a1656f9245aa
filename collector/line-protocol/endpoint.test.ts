import { InfluxDB, Point } from '@influxdata/influxdb-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCollector, type TestCollector } from '../testing.ts';
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
    'cpu,host=h1,rack=7 a=1.5,A=2i,b=3u,char_freq_;=4,other=5,s="x",t=true 5\nmem,host=h1 a="x" 6\ncpu,host=h2 a=1,a=2 7';
  expect((await write(`${own.collector.url}/api/v2/write?precision=ms`, body)).status).toBe(204);
  expect(await own.readings()).toEqual(
    expect.arrayContaining([
      {
        stream: 'pumps',
        device: 'h1',
        time: '5000000',
        values: { a: 1.5, A: 2, b: 3, 'char_freq_;': 4 },
        received: '1700000000000000000',
      },
      { stream: 'pumps', device: 'h1', time: '6000000', values: {}, received: '1700000000000000000' },
      { stream: 'pumps', device: 'h2', time: '7000000', values: { a: 2 }, received: '1700000000000000000' },
    ]),
  );
  expect(await own.registry.metrics()).toContain('gapline_collector_ignored_fields_total 4');
  await own.stop();
});

test('lines without a timestamp get times of arrival of their own', async () => {
  const own = await startCollector({ nowMs: () => 1_700_000_000_000 });
  const address = `${own.collector.url}/api/v2/write`;
  expect((await write(address, 'm,device=d a=1\nm,device=d a=2')).status).toBe(204);
  expect((await write(address, 'm,device=d a=3')).status).toBe(204);
  expect((await own.readings()).map(({ time }) => time)).toEqual([
    '1700000000000000000',
    '1700000000000000001',
    '1700000000000000002',
  ]);
  await own.stop();
});

test('a request that only the collector refuses gets an error in the format of InfluxDB', async () => {
  const twice = await write(collector(), 'm,device=d a=1 5\nn,device=d a=2 5');
  expect(twice).toMatchObject({
    status: 400,
    body: { code: 'invalid', message: expect.stringContaining('same device and time') },
  });
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
