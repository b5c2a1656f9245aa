import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Point, predictionToPoint } from '../core/wire/point.ts';
import type { Samples } from '../core/wire/samples.ts';
import { samplesToPoints } from '../core/wire/samples-point.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { type Bucket, describeWithInfluxdb, influxdbApi, makeBucket } from '../test/servers/with-influxdb.ts';
import { windows } from './cells/windows.ts';
import { allDevices, fluxString, within } from './flux.ts';
import { importDashboard } from './import.ts';
import { lineOf, numberIn, type Row, runCell } from './testing.ts';

// Needs GAPLINE_TEST_INFLUXDB.

/** Windows of two seconds, which records of one second are put together to. */
const shape = { seconds: 2, rate: 1_000 };
const fields = ['x', 'slow "one"'];
const startMs = 1_760_000_000_000;
const toneHz = 40;
const isGap = (at: number) => at >= 700 && at < 760;
const toneAt = (at: number) => Number((0.5 + 2 * Math.sin((2 * Math.PI * toneHz * at) / shape.rate)).toFixed(4));
const nsOf = (ms: number) => `${BigInt(ms) * 1_000_000n}`;

function samplesAt(stream: string, device: string, second: number): Samples {
  const x = Array.from({ length: shape.rate }, (_, at) => {
    const within = (second % shape.seconds) * shape.rate + at;
    return isGap(within) ? null : toneAt(within);
  });
  const times = { time: nsOf(startMs + second * 1_000), received: nsOf(startMs + second * 1_000) };
  return { stream, device, rate: shape.rate, values: { x, 'slow "one"': [20 + second] }, ...times };
}

function windowAt(stream: string, device: string, second: number, label: string): Point {
  return predictionToPoint({
    ...{ stream, device, label, probability: 0.876, probabilities: {}, filled: {}, gaps: 0, latencyMs: 1 },
    ...{ from: nsOf(startMs + second * 1_000), time: nsOf(startMs + (second + shape.seconds) * 1_000) },
    ...{ samples: 2_000, missing: 60, model: { name: 'm', version: 1 }, truth: 'worn', received: '1' },
  });
}

describeWithInfluxdb('the last window on a real InfluxDB', (access) => {
  let bucket: Bucket;
  let stream: string;
  const held = new Map<string, { readonly query: string; readonly view: object }>();

  beforeAll(async () => {
    bucket = await makeBucket(access);
    stream = bucket.name;
    const points = ['m1', 'm2'].flatMap((device) => [
      ...Array.from({ length: 6 }, (_, second) =>
        samplesToPoints(samplesAt(stream, device, second), fields.length),
      ).flat(),
      windowAt(stream, device, 0, 'sound'),
      windowAt(stream, device, 2, 'worn'),
    ]);
    // The other device was labelled once more.
    points.push(windowAt(stream, 'm2', 4, 'sound'));
    await bucket.write(points.map(lineOf).join('\n'));
    const { dashboard } = await importDashboard({
      ...access,
      ...{ bucket: bucket.name, stream: { name: stream, fields, topics: topicsOf(stream) }, windows: shape },
      logger: pino({ level: 'silent' }),
    });
    const path = `/api/v2/dashboards/${dashboard.split('/').at(-1)}?include=properties`;
    type Shown = { name: string; properties: { queries: { text: string }[] } };
    const { cells } = await influxdbApi<{ cells: Shown[] }>(access, 'GET', path);
    for (const { name, properties } of cells)
      held.set(name, { query: properties.queries[0]?.text ?? '', view: properties });
  }, 60_000);
  afterAll(() => bucket.remove());

  function run(name: string, { device = 'm1', field = 'x', from = bucket.name } = {}): Promise<Row[]> {
    const { query = '' } = held.get(name) ?? {};
    const chosen = { stream, device, field, atMs: startMs };
    return runCell(access, query.replaceAll(fluxString(bucket.name), fluxString(from)), chosen);
  }
  /** Without the dot outside of the plane, which is the first. */
  async function dotsOf(name: string, chosen?: Parameters<typeof run>[1]): Promise<Row[]> {
    const [outside, ...dots] = await run(name, chosen);
    expect(outside?._field).toBe(' ');
    return dots;
  }

  it('is on the server as it was rendered, drawn within its length and half its rate', () => {
    for (const { name, query } of windows(shape))
      expect(held.get(name)?.query).toBe(within(query, { stream, bucket: bucket.name }));
    const plane = { type: 'scatter', yColumn: '_value' };
    expect(held.get('Last window: wave')?.view).toMatchObject({ ...plane, xColumn: 'ms', xDomain: [0, 2_000] });
    expect(held.get('Last window: spectrum')?.view).toMatchObject({ ...plane, xColumn: 'hertz', xDomain: [0, 500] });
  });

  it('has the wave of the chosen device out of several records, by its label, with the gaps at the bottom', async () => {
    const rows = await dotsOf('Last window: wave');
    const wave = rows.filter(({ _field }) => _field === 'worn, 88 %');
    const gaps = rows.filter(({ _field }) => _field === 'gap');
    expect([rows.length, gaps.length]).toEqual([2_000, 60]);
    for (const row of wave) expect(row._value).toBe(toneAt(Math.round(numberIn(row, 'ms'))));
    const lowest = Math.min(...wave.map((row) => numberIn(row, '_value')));
    for (const row of gaps) expect([isGap(numberIn(row, 'ms')), numberIn(row, '_value')]).toEqual([true, lowest]);
  });

  it('has its spectrum, whose power is that of the tone', async () => {
    const rows = await dotsOf('Last window: spectrum');
    const peak = rows.reduce((a, b) => (numberIn(a, '_value') > numberIn(b, '_value') ? a : b));
    expect(peak).toMatchObject({ hertz: toneHz, _field: 'x' });
    const power = rows.reduce((sum, row) => sum + 10 ** (numberIn(row, '_value') / 10), 0) * (shape.rate / 100);
    // Half the square of the amplitude.
    expect(power).toBeGreaterThan(1.9);
    expect(power).toBeLessThan(2.1);
    expect(Math.max(...rows.map((row) => numberIn(row, 'hertz')))).toBe(500);
  }, 60_000);

  it('of all devices is that of the one that was labelled last, and says what the model made of it', async () => {
    const rows = await run('Last window', { device: allDevices });
    const values = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    expect(values).toEqual({ label: 'sound', probability: '0.876', truth: 'worn', samples: '2000', missing: '60' });
    const wave = await dotsOf('Last window: wave', { device: allDevices });
    expect(new Set(wave.map(({ _field }) => _field))).toEqual(new Set(['gap', 'sound, 88 %']));
  });

  it('counts what is missing, and has no gap rate where no sample is a point of its own', async () => {
    const missing = await run('Missing values a window', { device: allDevices });
    expect(missing.length).toBeGreaterThan(0);
    for (const { _value } of missing) expect(_value).toBe(60);
    expect([...held.keys()]).not.toContain('Gap rate');
    expect([...held.keys()]).not.toContain('Gap rate by field');
  });

  it('knows when each field was seen last', async () => {
    const rows = await run('Last seen by field', { device: allDevices });
    expect(rows.map(({ field }) => field).sort()).toEqual([...fields].sort());
  });

  it('has a field of one value a second, too', async () => {
    const rows = await dotsOf('Last window: wave', { field: 'slow "one"' });
    expect(rows.filter(({ _field }) => _field !== 'gap').map(({ ms, _value }) => [ms, _value])).toEqual([
      [0, 22],
      [1_000, 23],
    ]);
  });

  it('is empty on a bucket without data', async () => {
    const empty = await makeBucket(access);
    for (const { name } of windows(shape)) expect(await run(name, { from: empty.name }), name).toEqual([]);
    await empty.remove();
  });
});
