import { InfluxDB } from '@influxdata/influxdb-client';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Point, predictionToPoint, readingToPoint } from '../core/wire/point.ts';
import { type Prediction, unknownLabel } from '../core/wire/prediction.ts';
import type { Reading } from '../core/wire/reading.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { type Bucket, describeWithInfluxdb, influxdbApi, makeBucket } from '../test/servers/with-influxdb.ts';
import { cells } from './cells.ts';
import { allDevices, fluxString, variableName, within } from './flux.ts';
import { importDashboard } from './import.ts';
import { variablesOf } from './variables.ts';

// Needs GAPLINE_TEST_INFLUXDB.

/** Ten minutes of four devices, a reading a second each, that end now, on the border of a window. */
const windowSeconds = 10;
const seconds = 600;
const endMs = Math.floor(Date.now() / (windowSeconds * 1_000)) * windowSeconds * 1_000;
/** When a check that runs every five minutes looked last: InfluxDB starts it on the clock. */
const checkedMs = Math.floor(endMs / 300_000) * 300_000;
const fields = ['temperature', 'Temperature', 'char_freq_;', 'a "quoted" name & <more>', 'never'];
const devices = ['d1', 'd2', 'hall way', 'ünï'];
const classes = ['ham', 'spam', 'say "cheese", [x]'];

interface Made {
  readonly reading: Reading;
  readonly prediction: Prediction;
}

function make(stream: string): Made[] {
  let state = 12345;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const made: Made[] = [];
  for (let second = 0; second < seconds; second += 1) {
    for (const [index, device] of devices.entries()) {
      const time = `${BigInt(endMs - seconds * 1_000 + second * 1_000 + index * 7 + 1) * 1_000_000n + 123n}`;
      const values: Record<string, number | null> = {};
      const filled: Record<string, number> = {};
      for (const field of fields) {
        const missing = field === 'never' ? true : random() < (field === 'temperature' ? 0.4 : 0.1);
        values[field] = missing ? null : Math.round(random() * 1_000) / 8;
        if (missing) filled[field] = -Math.round(random() * 1_000) / 8;
      }
      const truth = random() < 0.8 ? classes[Math.floor(random() * 3)] : undefined;
      const guess = truth !== undefined && random() < 0.7 ? truth : classes[Math.floor(random() * 2)]!;
      const label = second % 25 === 7 ? unknownLabel : guess;
      const received = time;
      made.push({
        reading: { stream, device, time, values, truth, received },
        prediction: {
          stream,
          device,
          time,
          label,
          probability: random(),
          probabilities: {},
          filled,
          gaps: Object.keys(filled).length,
          model: { name: 'm', version: second < seconds / 2 ? 1 : 2 },
          // The first version does not know it.
          ...(second < seconds / 2 ? {} : { sensitivity: random(), spread: random() / 2 }),
          truth,
          received,
          latencyMs: random() * 100,
        },
      });
    }
  }
  return made;
}

function lineOf({ measurement, device, time, fields: all }: Point): string {
  const escaped = (name: string) => name.replaceAll(/[,= ]/g, '\\$&');
  const pairs = Object.entries(all).map(([name, value]) => `${escaped(name)}=${JSON.stringify(value)}`);
  return `${escaped(measurement)},device=${escaped(device)} ${pairs.join(',')} ${time}`;
}

type Row = Record<string, unknown>;
interface CellProperties {
  readonly queries: readonly { text: string }[];
  readonly tableOptions?: object;
  readonly fieldOptions?: readonly { internalName: string; visible: boolean }[];
}
interface Chosen {
  device?: string;
  field?: string;
  start?: string;
}

describeWithInfluxdb('the queries of the dashboard on a real InfluxDB', (access) => {
  let bucket: Bucket;
  let stream: string;
  let made: Made[];
  /** Queries as the server holds them after the template was applied. */
  const held = new Map<string, string>();
  const properties = new Map<string, CellProperties>();
  const client = new InfluxDB({ url: access.url || 'http://127.0.0.1:1', token: access.token, timeout: 60_000 });

  beforeAll(async () => {
    bucket = await makeBucket(access);
    stream = bucket.name;
    made = make(stream);
    const points = made.flatMap(({ reading, prediction }) => [
      readingToPoint(reading, fields.length),
      predictionToPoint(prediction),
    ]);
    for (let at = 0; at < points.length; at += 2_000) {
      await bucket.write(
        points
          .slice(at, at + 2_000)
          .map(lineOf)
          .join('\n'),
      );
    }
    // A reading whose outcome got lost: only its probability came.
    await bucket.write(`${stream}.predictions,device=d1 probability=0.5 ${BigInt(endMs - 1_500) * 1_000_000n}`);
    const status = (stage: string, lag: number, secondsAgo: number) =>
      `${stream}.status,stage=${stage},instance=one lag=${lag} ${BigInt(checkedMs - secondsAgo * 1_000) * 1_000_000n}`;
    await bucket.write(
      [status('classifier', 5, 20), status('classifier', 60_000, 1), status('archive', 1, 5)].join('\n'),
    );
    const { dashboard } = await importDashboard({
      ...access,
      bucket: bucket.name,
      stream: { name: stream, fields, topics: topicsOf(stream) },
      logger: pino({ level: 'silent' }),
    });
    const path = `/api/v2/dashboards/${dashboard.split('/').at(-1)}?include=properties`;
    const found = await influxdbApi<{ cells: { name: string; properties: CellProperties }[] }>(access, 'GET', path);
    for (const { name, properties: shown } of found.cells) {
      properties.set(name, shown);
      held.set(name, shown.queries[0]?.text ?? '');
    }
  }, 120_000);
  afterAll(() => bucket.remove());

  async function run(flux: string, { device = allDevices, field = fields[0]!, start }: Chosen = {}): Promise<Row[]> {
    const v = [
      `${variableName('device', stream)}: ${fluxString(device)}`,
      `${variableName('field', stream)}: ${fluxString(field)}`,
      `timeRangeStart: ${start ?? new Date(endMs - seconds * 1_000).toISOString()}`,
      `timeRangeStop: ${new Date(endMs + 1).toISOString()}`,
      `windowPeriod: ${windowSeconds}s`,
    ];
    const imports = flux.match(/^import .*$/gm) ?? [];
    const text = [...imports, `option v = {${v.join(', ')}}`, flux.replaceAll(/^import .*$/gm, '')].join('\n');
    return client.getQueryApi(access.org).collectRows<Row>(text);
  }
  const cell = (name: string, chosen?: Chosen) => run(held.get(name)!, chosen);
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
  const of = (device?: string) => made.filter(({ reading }) => device === undefined || reading.device === device);
  const scored = (device?: string) =>
    of(device).flatMap(({ prediction: { truth, label } }) => (truth === undefined ? [] : [{ truth, label }]));

  it('finds every cell on the server, with its query as it was rendered', () => {
    expect([...held.keys()].sort()).toEqual(cells.map(({ name }) => name).sort());
    for (const { name, query } of cells) expect(held.get(name)).toBe(within(query, { stream, bucket: bucket.name }));
  });

  it('sorts each table by its rank, which is hidden, and shows its columns in order', async () => {
    const tables = cells.filter(({ view }) => view.kind === 'table');
    expect(tables).toHaveLength(8);
    for (const { name, view } of tables) {
      const shown = properties.get(name);
      expect(shown?.tableOptions, name).toMatchObject({ fixFirstColumn: false, sortBy: { internalName: 'rank' } });
      const titles = shown?.fieldOptions?.map((option) => `${option.internalName} ${option.visible}`);
      const columns = view.kind === 'table' ? view.columns.map(([column]) => column) : [];
      expect(titles, name).toEqual([...columns.map((column) => `${column} true`), 'rank false']);
      const rows = await cell(name);
      expect(
        rows.map(({ rank }) => rank),
        name,
      ).toEqual(rows.map((_, index) => index + 1));
      for (const row of rows.slice(0, 1)) expect(Object.keys(row), name).toEqual(expect.arrayContaining(columns));
    }
  });

  it('runs each of them, and each variable, on a bucket without data', async () => {
    const empty = await makeBucket(access);
    const other = { name: stream, fields, topics: topicsOf(stream) };
    const elsewhere = (flux: string) =>
      flux.replaceAll(`bucket: ${fluxString(bucket.name)}`, `bucket: ${fluxString(empty.name)}`);
    for (const { name } of cells) await expect(run(elsewhere(held.get(name)!)), name).resolves.toBeDefined();
    for (const { query, selected } of variablesOf(other, empty.name))
      expect((await run(query)).map(({ _value }) => _value)).toEqual([selected]);
    await empty.remove();
  }, 120_000);

  it('runs each of them with a relative time and with one device', async () => {
    for (const { name } of cells)
      await expect(cell(name, { start: '-1h', device: 'hall way' }), name).resolves.toBeDefined();
  }, 120_000);

  it('offers the devices and fields that there are', async () => {
    const offered = new Map<string, unknown[]>();
    for (const { kind, query } of variablesOf({ name: stream, fields, topics: topicsOf(stream) }, bucket.name)) {
      offered.set(
        kind,
        (await run(query)).map(({ _value }) => _value),
      );
    }
    expect(offered.get('device')).toEqual([allDevices, ...devices]);
    expect(offered.get('field')).toEqual(fields.filter((field) => field !== 'never').sort());
  });

  it.each([undefined, 'd2'])('counts readings a second as the ledger does (device %s)', async (device) => {
    const rows = await cell('Readings a second', { device });
    const total = sum(rows.map(({ _value }) => (_value as number) * windowSeconds));
    expect(total).toBeCloseTo(of(device).length, 6);
    expect(rows.length).toBe(seconds / windowSeconds);
  });

  it.each([undefined, 'd2'])('knows the gap rate, over time and by field (device %s)', async (device) => {
    // A field that never had a value is unknown to InfluxDB: it counts as a gap, but not as a field.
    const known = fields.length - 1;
    const gaps = sum(of(device).map(({ prediction }) => prediction.gaps));
    const rows = await cell('Gap rate', { device });
    const perWindow = of(device).length / (seconds / windowSeconds);
    expect(sum(rows.map(({ _value }) => ((_value as number) / 100) * known * perWindow))).toBeCloseTo(gaps, 4);
    const byField = await cell('Gap rate by field', { device });
    for (const field of fields.slice(0, known)) {
      const missing = of(device).filter(({ reading }) => reading.values[field] === null).length;
      const found = byField.find((row) => row.field === field)!;
      expect(found.gapRate, field).toBeCloseTo((100 * missing) / of(device).length, 9);
    }
    expect(byField[0]!.field).toBe('temperature');
  });

  it.each(['temperature', 'Temperature', 'char_freq_;', 'a "quoted" name & <more>'])('completes %s', async (field) => {
    const rows = await cell('The chosen field, raw and completed', { field, device: 'ünï' });
    const mean = (values: number[]) => sum(values) / values.length;
    for (const [kind, shown] of [
      ['raw', ({ reading }: Made) => reading.values[field]],
      ['completed', ({ reading, prediction }: Made) => reading.values[field] ?? prediction.filled[field]],
    ] as const) {
      const found = rows.filter((row) => row._field === kind);
      const first = of('ünï')
        .slice(0, windowSeconds)
        .map(shown)
        .filter((value) => value !== null && value !== undefined);
      expect(found[0]!._value).toBeCloseTo(mean(first), 9);
      expect(found.length).toBe(seconds / windowSeconds);
    }
  });

  it.each([undefined, 'd1'])('counts labels, and scores them as scikit-learn does (device %s)', async (device) => {
    const share = await cell('Share of labels', { device });
    for (const label of classes) {
      const count = of(device).filter(({ prediction }) => prediction.label === label).length;
      const row = share.find((each) => each.label === label);
      expect(row?.readings).toBe(count);
      expect(row?.share).toBeCloseTo((100 * count) / of(device).length, 9);
    }
    expect(sum((await cell('Labels over time', { device })).map(({ _value }) => _value as number))).toBe(
      of(device).length,
    );

    const hits = scored(device).filter(({ truth, label }) => truth === label).length;
    expect((await cell('Accuracy', { device }))[0]!._value).toBeCloseTo((100 * hits) / scored(device).length, 9);
    const f1 = classes.map((one) => {
      const truePositives = scored(device).filter(({ truth, label }) => truth === one && label === one).length;
      const named = scored(device).filter(({ label }) => label === one).length;
      const real = scored(device).filter(({ truth }) => truth === one).length;
      return (2 * truePositives) / (named + real);
    });
    expect((await cell('Macro F1', { device }))[0]!._value).toBeCloseTo(sum(f1) / f1.length, 12);
    const confusion = await cell('Confusion', { device });
    expect(confusion.map(({ truth }) => truth)).toEqual([...classes].sort());
    for (const row of confusion) {
      for (const label of classes) {
        const count = scored(device).filter((one) => one.truth === row.truth && one.label === label).length;
        expect(row[label], `${row.truth} as ${label}`).toBe(count);
      }
    }
    const overTime = await cell('Accuracy over time', { device });
    const firstWindow = of(device)
      .filter(
        ({ reading }) => BigInt(reading.time) < BigInt(endMs - seconds * 1_000 + windowSeconds * 1_000) * 1_000_000n,
      )
      .flatMap(({ prediction: { truth, label } }) => (truth === undefined ? [] : [Number(truth === label)]));
    expect(overTime[0]!._value).toBeCloseTo((100 * sum(firstWindow)) / firstWindow.length, 9);
  });

  it.each([undefined, 'd2'])('shows how right labels of each probability are (device %s)', async (device) => {
    const known = of(device).filter(({ prediction: { truth } }) => truth !== undefined);
    const rows = await cell('Calibration', { device });
    const shown = rows.filter(({ _field }) => _field === 'share of right labels');
    expect(shown).toHaveLength(10);
    for (const [bin, row] of shown.entries()) {
      const inBin = known.filter(({ prediction }) => Math.ceil(prediction.probability * 10) === bin + 1);
      const right = inBin.filter(({ prediction: { truth, label } }) => truth === label);
      expect(row._value).toBeCloseTo((100 * right.length) / inBin.length, 9);
      const mean = sum(inBin.map(({ prediction }) => prediction.probability)) / inBin.length;
      expect(Math.abs((row.probability as number) / 100 - mean)).toBeLessThan(0.005);
    }
    const ideal = rows.filter(({ _field }) => _field === 'ideal');
    expect(ideal.length).toBeGreaterThan(10);
    for (const { probability, _value } of ideal) expect(probability).toBe(_value);
    // The dot that takes the symbol which browsers do not draw is first, and outside of the plane.
    expect(rows[0]).toMatchObject({ _field: ' ', probability: -1 });
    expect(rows.filter(({ _field }) => _field === ' ')).toHaveLength(1);
  });

  it('shows how much labels rest on gaps, of the model that knows', async () => {
    const known = of().flatMap(({ prediction: { sensitivity } }) => (sensitivity === undefined ? [] : [sensitivity]));
    const rows = await cell('Rests on gaps');
    const shown = (as: string) => rows.filter(({ _field }) => _field === as).map(({ _value }) => _value as number);
    expect(shown('mean')).toHaveLength(seconds / 2 / windowSeconds);
    expect(sum(shown('mean')) / shown('mean').length).toBeCloseTo((100 * sum(known)) / known.length, 9);
    expect(Math.max(...shown('highest'))).toBeCloseTo(100 * Math.max(...known), 9);
  });

  it('shows latency, versions, lag, filled fields and who is silent', async () => {
    const latency = await cell('Latency');
    const inFirst = of()
      .slice(0, windowSeconds * devices.length)
      .map(({ prediction }) => prediction.latencyMs)
      .sort((a, b) => a - b);
    const [p50] = latency.filter(({ _field }) => _field === 'p50');
    expect(p50!._value).toBeGreaterThan(inFirst[15]!);
    expect(p50!._value).toBeLessThan(inFirst[24]!);
    expect(latency.filter(({ _field }) => _field === 'p99').length).toBe(seconds / windowSeconds);

    const versions = await cell('Model versions');
    expect(new Set(versions.map(({ _value }) => _value))).toEqual(new Set([1, 2]));
    const gaps = sum(of().map(({ prediction }) => prediction.gaps));
    const filled = await cell('Filled fields a reading');
    expect(sum(filled.map(({ _value }) => _value as number)) / filled.length).toBeCloseTo(gaps / of().length, 6);
    const lag = await cell('Lag');
    expect(lag.map(({ stage, _value }) => `${stage} ${_value}`).sort()).toEqual([
      'archive 1',
      'classifier 5',
      'classifier 60000',
    ]);
    expect((await cell('Probability of the label')).length).toBe((seconds / windowSeconds) * devices.length);

    const byDevice = await cell('Last seen by device');
    expect(byDevice.map(({ device }) => device)).toEqual(devices);
    const byField = await cell('Last seen by field');
    expect(byField.map(({ field }) => field).sort()).toEqual(fields.filter((field) => field !== 'never').sort());
  });

  it('runs the task of each check, which finds what is wrong', async () => {
    const found = await influxdbApi<{ checks: { id: string; name: string }[] }>(
      access,
      'GET',
      `/api/v2/checks?orgID=${bucket.orgID}&limit=100`,
    );
    const ours = found.checks.filter(({ name }) => name.startsWith(`Gapline ${stream}: `));
    const says = new Map<string, string[]>();
    for (const { id, name } of ours) {
      const { flux } = await influxdbApi<{ flux: string }>(access, 'GET', `/api/v2/checks/${id}/query`);
      // The silence is looked at three minutes later, when every device has been silent for more than two.
      const later = new Date(name.endsWith('silent device') ? endMs + 180_000 : checkedMs).toISOString();
      const [imports, rest] = [flux.match(/^import .*$/gm)!.join('\n'), flux.replaceAll(/^import .*$/gm, '')];
      const rows = await client
        .getQueryApi(access.org)
        .collectRows<Row>(`${imports}\noption now = () => ${later}\n${rest}`);
      says.set(name.split(': ')[1]!, rows.map((row) => `${row._level}: ${row._message}`).sort());
    }
    expect(says.get('silent device')).toEqual(devices.map((device) => `crit: ${device} is silent: true`));
    expect(says.get('gap rate')).toHaveLength(devices.length);
    for (const line of says.get('gap rate')!) expect(line).toMatch(/^warn: gap rate of .+: 0\.3\d+$/);
    expect(says.get('lag grows')).toEqual([
      expect.stringMatching(/^crit: lag of classifier grows by 189457\.\d+ records/),
    ]);
    const alarms = await run(held.get('Alarms')!.replace('v.timeRangeStop', new Date(endMs + 600_000).toISOString()));
    expect(alarms.length).toBeGreaterThanOrEqual(devices.length);
  });
});
