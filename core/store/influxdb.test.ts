import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type Bucket,
  describeWithInfluxdb,
  type InfluxdbAccess,
  makeBucket,
} from '../../test/servers/with-influxdb.ts';
import type { Point } from '../wire/point.ts';
import { describeSeriesStore } from './contract.ts';
import { createInfluxStore } from './influxdb.ts';
import type { SeriesStore } from './port.ts';

// Needs GAPLINE_TEST_INFLUXDB.

const logger = pino({ level: 'silent' });
const always = { from: '-9223372036854775806', to: '9223372036854775807' };

async function openStore(access: InfluxdbAccess, bucket: string, token = access.token): Promise<SeriesStore> {
  const store = createInfluxStore({ ...access, bucket, token, logger });
  await store.start();
  return store;
}

async function readAll(store: SeriesStore, measurement = 'm'): Promise<Point[]> {
  const points: Point[] = [];
  for await (const batch of store.read({ measurement, range: always })) points.push(...batch);
  return points;
}

const point = (fields: Point['fields'], over: Partial<Point> = {}): Point => ({
  measurement: 'm',
  device: 'd',
  time: '1700000000000000001',
  fields,
  ...over,
});

describeWithInfluxdb('a real InfluxDB', (access) => {
  describeSeriesStore('InfluxDB', async () => {
    const bucket = await makeBucket(access);
    return { open: () => openStore(access, bucket.name), remove: bucket.remove };
  });

  let bucket: Bucket;
  let store: SeriesStore;
  beforeEach(async () => {
    bucket = await makeBucket(access);
    store = await openStore(access, bucket.name);
  });
  afterEach(async () => {
    await store.stop();
    await bucket.remove().catch(() => {});
  });

  it('takes any name, and no two become one', async () => {
    const letters = [...'aB ,="\\\n\r\t#_$;%\'`\u0000\u007f\u241b0a温🌡'];
    const name = fc.oneof(
      fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => text.isWellFormed()),
    );
    const named = fc.uniqueArray(name, { minLength: 40, maxLength: 80 });
    const run = async (names: string[], round: number) => {
      const fields = Object.fromEntries(names.map((field, index) => [field, index + 0.5]));
      const measurement = `${names[0]}${round}`;
      const points = [
        ...names.map((device, index) => point({ of: index }, { measurement, device, time: String(index) })),
        point(fields, { measurement, device: names[1]!, time: '-5' }),
      ];
      expect(await store.write(points)).toEqual([]);
      const byIdentity = (a: Point, b: Point) =>
        Buffer.compare(Buffer.from(a.device), Buffer.from(b.device)) || Number(a.time) - Number(b.time);
      expect(await readAll(store, measurement)).toEqual(points.toSorted(byIdentity));
    };
    let round = 0;
    const property = fc.asyncProperty(named, (names) => {
      round += 1;
      return run(names, round);
    });
    await fc.assert(property, { numRuns: 8, endOnFailure: true });
  }, 120_000);

  it('finds by halves the points that the server alone knows to be wrong, and writes the rest', async () => {
    // This one takes the field for a number, and never asks again; then another writer makes it a string in a shard of its own.
    await store.write([point({ a: 1, fresh: 1 }, { time: '1000000000000000000' })]);
    await bucket.write('m,device=d fresh="text" 1700000000000000001');
    const points = Array.from({ length: 21 }, (_, index) =>
      point(
        { a: index, ...(index % 10 === 3 ? { fresh: index } : {}) },
        { time: String(1_700_000_000_000_000_100n + BigInt(index)) },
      ),
    );
    const rejected = await store.write(points);
    expect(rejected.map(({ index }) => index)).toEqual([3, 13]);
    expect(rejected[0]!.reason).toContain('"fresh"');
    // InfluxQL shows one of the two types: the other writer's string is not among them.
    expect((await readAll(store)).length).toBe(1 + 19);
  });

  it('refuses a second type that the server would take in another shard', async () => {
    await store.write([point({ a: 1 })]);
    const again = await openStore(access, bucket.name);
    const distant = point({ a: 'text' }, { time: '1000000000000000000' });
    expect(await again.write([distant])).toEqual([
      { index: 0, reason: 'field "a" is a string, but is kept as a number' },
    ]);
    // What the server itself would have done.
    await bucket.write('m,device=d a="text" 1000000000000000000');
    await again.stop();
  });

  it('rejects a name longer than the server takes, and the points beside it are written', async () => {
    const points = [point({ a: 1 }), point({ a: 1 }, { device: 'x'.repeat(70_000) }), point({ a: 1 }, { device: 'e' })];
    const rejected = await store.write(points);
    expect(rejected.map(({ index }) => index)).toEqual([1]);
    expect(rejected[0]!.reason).toMatch(/max key length exceeded/);
    expect(rejected[0]!.reason.length).toBeLessThan(2_000);
    expect(await readAll(store)).toEqual([points[0], points[2]]);
  });

  it('rejects what is older than the bucket keeps, with the reason', async () => {
    const short = await makeBucket(access, { everySeconds: 3_600 });
    const brief = await openStore(access, short.name);
    const now = point({ a: 2 }, { time: `${Date.now()}000000` });
    const rejected = await brief.write([point({ a: 1 }), now, point({ a: 3 }, { time: '1' })]);
    expect(rejected.map(({ index }) => index)).toEqual([0, 2]);
    expect(rejected[0]!.reason).toMatch(/[Rr]etention/);
    expect(await readAll(brief)).toEqual([now]);
    await brief.stop();
    await short.remove();
  });

  it('says at its start what is wrong with token, organisation or bucket', async () => {
    const wrong = (over: Partial<InfluxdbAccess & { bucket: string }>) =>
      createInfluxStore({ ...access, bucket: bucket.name, logger, ...over }).start();
    const refused = { code: 'store-refused', retryable: false };
    await expect(wrong({ token: 'nonsense' })).rejects.toMatchObject({
      ...refused,
      message: /does not know the token/,
    });
    await expect(wrong({ bucket: 'nowhere' })).rejects.toMatchObject({ ...refused, message: /no bucket "nowhere"/ });
    await expect(wrong({ org: 'nobody' })).rejects.toMatchObject({ ...refused, message: /organisation "nobody"/ });
    await expect(wrong({ token: await bucket.grant('read') })).rejects.toMatchObject(refused);
  });

  it('works with a token of that bucket alone', async () => {
    const scoped = await openStore(access, bucket.name, await bucket.grant('read', 'write'));
    expect(await scoped.write([point({ a: 1 })])).toEqual([]);
    expect(await scoped.write([point({ a: 'text' }, { time: '1' })])).toHaveLength(1);
    expect(await readAll(scoped)).toEqual([point({ a: 1 })]);
    await scoped.stop();
  });

  it('writes with a token that may only write, and says that it cannot read', async () => {
    const scoped = await openStore(access, bucket.name, await bucket.grant('write'));
    expect(await scoped.write([point({ a: 1 })])).toEqual([]);
    await expect(readAll(scoped)).rejects.toMatchObject({ code: 'store-refused' });
    expect(await readAll(store)).toEqual([point({ a: 1 })]);
    await scoped.stop();
  });

  it('gives nothing up when the bucket goes away under it', async () => {
    await store.write([point({ a: 1 })]);
    await bucket.remove();
    const failure = { code: 'store-refused', retryable: true, message: expect.stringContaining(bucket.name) };
    await expect(store.write([point({ a: 2 })])).rejects.toMatchObject(failure);
    const again = await makeBucket(access, { name: bucket.name });
    expect(await store.write([point({ a: 2 })])).toEqual([]);
    expect(await readAll(store)).toEqual([point({ a: 2 })]);
    await again.remove();
  });

  it('refuses a bucket with a slash in its name, whose devices InfluxDB does not list', async () => {
    await expect(openStore(access, `${bucket.name}/week`)).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
