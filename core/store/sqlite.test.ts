import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Point } from '../wire/point.ts';
import { describeSeriesStore } from './contract.ts';
import { untilPacked } from './packed/testing.ts';
import { createSqliteStore } from './sqlite.ts';

const logger = pino({ level: 'silent' });

async function place() {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-store-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

describeSeriesStore('SQLite', async () => {
  const { folder, remove } = await place();
  return {
    async open() {
      const store = createSqliteStore({ file: join(folder, 'data', 'store.sqlite'), logger });
      await store.start();
      return store;
    },
    remove,
  };
});

describeSeriesStore('SQLite, where all points are packed before they are read', async () => {
  const { folder, remove } = await place();
  const file = join(folder, 'data', 'store.sqlite');
  return {
    async open() {
      const store = createSqliteStore({
        file,
        logger,
        packing: { pointsPerBlock: 100, atOnce: 1, everyMs: 1, paced: false },
      });
      await store.start();
      return {
        ...store,
        async write(points) {
          const rejected = await store.write(points);
          await untilPacked(file);
          return rejected;
        },
      };
    },
    remove,
  };
});

describe('the SQLite store', () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    ({ folder, remove } = await place());
  });
  afterEach(() => remove());

  const at = (time: number, fields: Point['fields']): Point => ({
    measurement: 'm',
    device: 'd',
    time: String(time),
    fields,
  });

  it('lets two processes add names and points to one file', async () => {
    const file = join(folder, 'shared.sqlite');
    const [one, two] = [createSqliteStore({ file, logger }), createSqliteStore({ file, logger })];
    await one.start();
    await two.start();
    await one.write([at(1, { a: 1 })]);
    await two.write([at(1, { b: 'x' }), at(2, { a: 2 })]);
    await one.write([at(1, { c: true }), at(2, { b: 'y' })]);
    expect(await two.write([at(3, { c: 1 })])).toEqual([{ index: 0, reason: expect.stringContaining('"c"') }]);
    const points: Point[] = [];
    for await (const batch of one.read({ measurement: 'm', range: { from: '0', to: '9' } })) points.push(...batch);
    expect(points).toEqual([at(1, { a: 1, b: 'x', c: true }), at(2, { a: 2, b: 'y' })]);
    await one.stop();
    await two.stop();
  });

  it('reads points of any size one after the other, few of them at a time where they are large', async () => {
    const store = createSqliteStore({ file: join(folder, 'sizes.sqlite'), logger, packing: false });
    await store.start();
    const sizes = [...new Array(700).fill(1), ...new Array(70).fill(200_000), ...new Array(700).fill(10)];
    const points = sizes.map((size, time) => at(time, { text: String(time).padEnd(size, '-') }));
    for (let from = 0; from < points.length; from += 100) await store.write(points.slice(from, from + 100));
    const read: Point[] = [];
    let most = 0;
    for await (const batch of store.read({ measurement: 'm', range: { from: '0', to: '10000' } })) {
      read.push(...batch);
      const bytes = batch.reduce((sum, { fields }) => sum + String(fields.text).length, 0);
      most = Math.max(most, bytes);
    }
    expect(read.map(({ time, fields }) => [time, String(fields.text).length])).toEqual(
      points.map(({ time, fields }) => [time, String(fields.text).length]),
    );
    expect(most).toBeGreaterThan(4_000_000);
    expect(most).toBeLessThan(5_000_000);
    await store.stop();
  });

  it('says that a busy file is worth another try, and forgets the names of what was rolled back', async () => {
    const file = join(folder, 'busy.sqlite');
    const store = createSqliteStore({ file, logger, busyTimeoutMs: 20 });
    await store.start();
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(store.write([at(1, { a: 1 })])).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    other.exec('ROLLBACK');
    other.close();
    expect(await store.write([at(1, { a: 1 })])).toEqual([]);
    await store.stop();
  });

  it('forgets the names of a transaction that failed', async () => {
    const file = join(folder, 'full.sqlite');
    const store = createSqliteStore({ file, logger });
    await store.start();
    const other = new DatabaseSync(file);
    other.exec(
      `CREATE TRIGGER fail BEFORE INSERT ON store_rows WHEN NEW.time = 2 BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    await expect(store.write([at(1, { a: 1 }), at(2, { b: 1 })])).rejects.toMatchObject({ retryable: true });
    other.exec('DROP TRIGGER fail');
    expect(await store.write([at(3, { b: 'now a string', a: 1 })])).toEqual([]);
    expect(other.prepare('SELECT name, kind FROM store_fields ORDER BY id').all()).toMatchObject([
      { name: 'b', kind: 'string' },
      { name: 'a', kind: 'number' },
    ]);
    other.close();
    await store.stop();
  });

  it('names the file that is no database', async () => {
    const file = join(folder, 'text.sqlite');
    await writeFile(file, 'this is not a database, but long enough to be looked at as one');
    await expect(createSqliteStore({ file, logger }).start()).rejects.toThrow(/text\.sqlite.*not a database/);
  });

  it('waits for writes under way when it stops, and refuses later ones', async () => {
    const file = join(folder, 'stop.sqlite');
    const store = createSqliteStore({ file, logger });
    await store.start();
    const writing = store.write(Array.from({ length: 3_500 }, (_, index) => at(index, { a: index })));
    await store.stop();
    expect(await writing).toEqual([]);
    await expect(store.write([at(1, { a: 1 })])).rejects.toThrow(/not open/);
    await store.stop();
    const database = new DatabaseSync(file, { readOnly: true });
    expect(database.prepare('SELECT count(*) AS points FROM store_points').get()).toMatchObject({ points: 3_500 });
    database.close();
  });
});
