import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { topicsOf } from '../core/wire/stream.ts';
import { HttpProxy } from '../test/chaos/proxies/http-proxy.ts';
import {
  type Bucket,
  describeWithInfluxdb,
  type InfluxdbAccess,
  influxdbApi,
  makeBucket,
} from '../test/servers/with-influxdb.ts';
import { variableName } from './flux.ts';
import { importDashboard } from './import.ts';
import { renderTemplate } from './template.ts';

// Needs GAPLINE_TEST_INFLUXDB.

// A template is some hundred small transactions of InfluxDB, each with its fsync: a busy disk takes many seconds for one.
vi.setConfig({ testTimeout: 120_000 });

const logger = pino({ level: 'silent' });
const streamOf = (name: string, fields = ['a', 'b']) => ({ name, fields, topics: topicsOf(name) });

interface CellOfDashboard {
  id: string;
  name: string;
  x: number;
  y: number;
  w: number;
  h: number;
  properties: { type: string; note?: string };
}

describeWithInfluxdb('importing the dashboard into a real InfluxDB', (access: InfluxdbAccess) => {
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await makeBucket(access);
  });
  afterAll(() => bucket.remove());

  const run = (stream = streamOf(bucket.name), over: Partial<Parameters<typeof importDashboard>[0]> = {}) =>
    importDashboard({ ...access, bucket: bucket.name, stream, logger, ...over });
  const idOf = (dashboard: string) => dashboard.split('/').at(-1)!;
  const dashboardOf = (id: string) =>
    influxdbApi<{ name: string; cells: CellOfDashboard[] }>(
      access,
      'GET',
      `/api/v2/dashboards/${id}?include=properties`,
    );
  const named = async (kind: 'dashboards' | 'checks' | 'variables', name: RegExp) => {
    const limit = kind === 'variables' ? '' : '&limit=100';
    const found = await influxdbApi<Record<string, { name: string }[]>>(
      access,
      'GET',
      `/api/v2/${kind}?orgID=${bucket.orgID}${limit}`,
    );
    return found[kind]!.map((one) => one.name).filter((one) => name.test(one));
  };

  it('makes dashboard, variables and checks once, and nothing the second time', async () => {
    const stream = streamOf(`${bucket.name}-once`);
    const first = await run(stream);
    expect(first.outcome).toBe('created');
    const made = await dashboardOf(idOf(first.dashboard));
    const [template] = renderTemplate({ stream, bucket: bucket.name });
    const charts = template!.spec.charts as {
      name: string;
      xPos: number;
      yPos: number;
      width: number;
      height: number;
    }[];
    expect(made.name).toBe(`Gapline ${stream.name}`);
    const byPlace = (a: { x: number; y: number }, b: { x: number; y: number }) => a.y - b.y || a.x - b.x;
    expect(made.cells.map(({ name, x, y, w, h }) => ({ name, x, y, w, h })).sort(byPlace)).toEqual(
      charts.map(({ name, xPos, yPos, width, height }) => ({ name, x: xPos, y: yPos, w: width, h: height })),
    );
    const calibration = made.cells.find(({ name }) => name === 'Calibration')!;
    const stacked = { type: 'xy', position: 'stacked', shadeBelow: true, legendColorizeRows: true };
    expect(made.cells.find(({ name }) => name === 'Labels over time')!.properties).toMatchObject(stacked);
    const plane = { type: 'scatter', xColumn: 'probability', xDomain: [0, 100], yDomain: [0, 100] };
    expect(calibration.properties).toMatchObject(plane);
    expect((await named('checks', new RegExp(`^Gapline ${stream.name}: `))).sort()).toEqual([
      `Gapline ${stream.name}: gap rate`,
      `Gapline ${stream.name}: lag grows`,
      `Gapline ${stream.name}: silent device`,
    ]);
    const variables = [variableName('device', stream.name), variableName('field', stream.name)];
    expect((await named('variables', new RegExp(`^(${variables.join('|')})$`))).sort()).toEqual(variables);
    expect(await run(stream)).toEqual({ outcome: 'unchanged', dashboard: first.dashboard });
    expect(await named('dashboards', new RegExp(`^Gapline ${stream.name}$`))).toHaveLength(1);
  });

  it('leaves what a person changed and added alone', async () => {
    const stream = streamOf(`${bucket.name}-mine`);
    const { dashboard } = await run(stream);
    const id = idOf(dashboard);
    const [first] = (await dashboardOf(id)).cells;
    await influxdbApi(access, 'DELETE', `/api/v2/dashboards/${id}/cells/${first!.id}`);
    const mine = await addCell(id, 'My own cell');
    const before = await dashboardOf(id);
    expect((await run(stream)).outcome).toBe('unchanged');
    expect(await dashboardOf(id)).toEqual(before);
    expect(before.cells.map((one) => one.id)).toContain(mine);
  });

  it('keeps the cells that a person added when the template is another, and renews its own', async () => {
    const stream = streamOf(`${bucket.name}-next`);
    const { dashboard } = await run(stream);
    const id = idOf(dashboard);
    await addCell(id, 'My own cell');
    const before = (await dashboardOf(id)).cells;
    const next = await run({ ...stream, fields: ['a', 'b', 'c'] });
    expect(next).toEqual({ outcome: 'updated', dashboard });
    const after = (await dashboardOf(id)).cells;
    expect(after.map(({ name }) => name).sort()).toEqual(before.map(({ name }) => name).sort());
    const own = after.find(({ name }) => name === 'My own cell')!;
    expect(own).toMatchObject({ x: 0, y: 90, w: 5, h: 2, properties: { type: 'markdown', note: 'mine' } });
    expect(await named('checks', new RegExp(`^Gapline ${stream.name}: `))).toHaveLength(3);
    expect((await run({ ...stream, fields: ['a', 'b', 'c'] })).outcome).toBe('unchanged');
    expect((await dashboardOf(id)).cells.filter(({ name }) => name === 'My own cell')).toHaveLength(1);
  });

  it.each([1, 2])('keeps them where it breaks off at number %i of them', async (broken) => {
    const stream = streamOf(`${bucket.name}-broken-${broken}`);
    const { dashboard } = await run(stream);
    const id = idOf(dashboard);
    await addCell(id, 'My own cell', 90);
    await addCell(id, 'My other cell', 94);
    const proxy = new HttpProxy({ target: access.url });
    await proxy.start();
    onTestFinished(() => proxy.stop());
    let added = 0;
    proxy.mood = (path) => ({ way: path.endsWith('/cells') && ++added === broken ? 'refuse' : 'pass' });
    const next = { ...stream, fields: ['a', 'b', 'c'] };
    await expect(run(next, { url: proxy.url })).rejects.toMatchObject({ code: 'store-refused' });
    expect((await run(next)).outcome).toBe('updated');
    const own = (await dashboardOf(id)).cells.filter(({ name }) => name.startsWith('My '));
    expect(own.map(({ name, y, properties }) => `${name} at ${y}: ${properties.note}`).sort()).toEqual([
      'My other cell at 94: mine',
      'My own cell at 90: mine',
    ]);
    expect((await run(next)).outcome).toBe('unchanged');
  });

  it('makes a dashboard again that a person deleted', async () => {
    const stream = streamOf(`${bucket.name}-gone`);
    const first = await run(stream);
    await influxdbApi(access, 'DELETE', `/api/v2/dashboards/${idOf(first.dashboard)}`);
    const again = await run(stream);
    expect(again.outcome).toBe('created');
    expect((await dashboardOf(idOf(again.dashboard))).cells.length).toBeGreaterThan(15);
    expect((await run(stream)).outcome).toBe('unchanged');
  });

  it('keeps two streams apart', async () => {
    const [one, two] = [await run(streamOf(`${bucket.name}-x`)), await run(streamOf(`${bucket.name}-y`))];
    expect(two.outcome).toBe('created');
    expect(two.dashboard).not.toBe(one.dashboard);
    expect((await run(streamOf(`${bucket.name}-x`))).outcome).toBe('unchanged');
  });

  it('says what is wrong', async () => {
    const wrong = (over: Partial<Parameters<typeof importDashboard>[0]>) => run(streamOf('none'), over);
    await expect(wrong({ token: 'nonsense' })).rejects.toMatchObject({ code: 'store-refused', message: /token/ });
    await expect(wrong({ org: 'nobody' })).rejects.toMatchObject({ code: 'store-refused', message: /"nobody"/ });
    const weak = await bucket.grant('read', 'write');
    await expect(wrong({ token: weak })).rejects.toMatchObject({ code: 'store-refused' });
  });

  async function addCell(dashboard: string, name: string, y = 90): Promise<string> {
    const path = `/api/v2/dashboards/${dashboard}/cells`;
    const place = { x: 0, y, w: 5, h: 2 };
    const { id } = await influxdbApi<{ id: string }>(access, 'POST', path, { name, ...place });
    const properties = { type: 'markdown', shape: 'chronograf-v2', note: 'mine' };
    await influxdbApi(access, 'PATCH', `${path}/${id}/view`, { name, properties });
    return id;
  }
});

describe('an InfluxDB that is unavailable', () => {
  it('is waited for, and told of when it does not come', async () => {
    const waiting = importDashboard({
      url: 'http://127.0.0.1:1',
      org: 'o',
      bucket: 'b',
      token: 't',
      stream: streamOf('s'),
      logger,
      timeoutMs: 1_500,
    });
    await expect(waiting).rejects.toMatchObject({ code: 'store-unavailable', message: /did not come up in 1.5 s/ });
  });
});
