import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Point } from '../../wire/point.ts';
import type { SeriesStore } from '../port.ts';
import { createSqliteStore } from '../sqlite.ts';
import { type PackedPoint, packPoints, unpackPoints } from './block.ts';
import type { PackingOptions } from './packing.ts';
import { rowsIn, untilPacked } from './testing.ts';

const logger = pino({ level: 'silent' });
const eager: PackingOptions = { pointsPerBlock: 20, atOnce: 1, everyMs: 1, paced: false };

let folder: string;
let file: string;
let stops: (() => Promise<void>)[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-store-'));
  file = join(folder, 'store.sqlite');
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(packing: PackingOptions | false = false): Promise<SeriesStore> {
  const store = createSqliteStore({ file, logger, packing });
  await store.start();
  stops.push(() => store.stop());
  return store;
}

/** Opens the store with packing until all is packed. */
async function packAll(packing = eager, most = 1): Promise<void> {
  const store = await open(packing);
  await untilPacked(file, most);
  await store.stop();
}

const at = (time: number, fields: Point['fields'], device = 'd'): Point => ({
  measurement: 'm',
  device,
  time: String(time),
  fields,
});
async function readAll(store: SeriesStore, from = '-1000000', to = '1000000'): Promise<Point[]> {
  const points: Point[] = [];
  for await (const batch of store.read({ measurement: 'm', range: { from, to } })) points.push(...batch);
  return points;
}
const numbersOf = (values: readonly (readonly [id: number, value: number])[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(2 + values.length * 10));
  view.setUint16(0, values.length, true);
  for (const [slot, [id, value]] of values.entries()) {
    view.setUint16(2 + slot * 2, id, true);
    view.setFloat64(2 + values.length * 2 + slot * 8, value, true);
  }
  return new Uint8Array(view.buffer);
};

describe('a block of points', () => {
  test('gives every bit back, whatever the values, gaps, times and strings', async () => {
    const odd = [0, -0, 0.1, 1 / 3, 5e-324, -1.5, 2 ** 31, 2 ** 31 - 1, -(2 ** 31), 123.456789, 1e300, 99.999999];
    const points = odd.map((value, index): PackedPoint => {
      const steady: [number, number][] = [
        [3, index / 100],
        [7, value],
        [65_535, index % 2],
      ];
      return {
        time: [-(2n ** 63n) + 2n, -1n, 0n][index] ?? 2n ** 62n + BigInt(index) ** 7n,
        numbers: numbersOf(steady.filter((_, field) => (index + field) % 4 !== 0)),
        strings: index % 3 === 0 ? null : JSON.stringify({ 9: `ünï "${index}" \\ 🌡` }),
      };
    });
    expect(unpackPoints(await packPoints(points), points[0]?.time ?? 0n)).toEqual(points);
    const bare = points.map(({ time }) => ({ time, numbers: numbersOf([]), strings: null }));
    expect(unpackPoints(await packPoints(bare), bare[0]?.time ?? 0n)).toEqual(bare);
  });

  test('reports a flipped bit', async () => {
    const points = Array.from({ length: 50 }, (_, i) => ({
      time: BigInt(i),
      numbers: numbersOf([[0, Math.sin(i)]]),
      strings: null,
    }));
    const packed = await packPoints(points);
    packed.writeUInt8(packed.readUInt8(packed.length >> 1) ^ 4, packed.length >> 1);
    expect(() => unpackPoints(packed, 0n)).toThrow();
  });
});

describe('packing points', { timeout: 120_000 }, () => {
  test('keeps what was written in any order, merged and corrected, before and after packing', async () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const model = new Map<string, Point>();
    const expected = () =>
      [...model.values()].sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : +a.time - +b.time));
    for (let round = 0; round < 12; round++) {
      const store = await open(round % 3 === 2 ? eager : false);
      for (let write = 0; write < 5; write++) {
        const points = Array.from({ length: 30 }, () => {
          // Mostly new times, and now and then one of long ago.
          const time = random(4) === 0 ? random(600) : round * 50 + random(50);
          const fields = { [`v${random(3)}`]: random(1_000) / 100, ...(random(3) === 0 && { truth: `t${random(4)}` }) };
          return at(time, fields, `d${random(3)}`);
        });
        for (const point of points) {
          const key = `${point.device} ${point.time}`;
          model.set(key, { ...point, fields: { ...model.get(key)?.fields, ...point.fields } });
        }
        expect(await store.write(points)).toEqual([]);
        expect(await readAll(store)).toEqual(expected());
      }
      await store.stop();
      if (round % 4 === 3) await packAll();
      const again = await open();
      expect(await readAll(again)).toEqual(expected());
      const some = expected().filter(({ time }) => +time >= 111 && +time < 333);
      expect(await readAll(again, '111', '333')).toEqual(some);
      await again.stop();
    }
    const database = new DatabaseSync(file, { readOnly: true });
    // Blocks of a series stay apart, and none is larger than it may be.
    const overlapping = `SELECT count(*) AS n FROM store_blocks a JOIN store_blocks b
      ON a.series = b.series AND a.id <> b.id AND a.first <= b.last AND b.first <= a.last`;
    expect(database.prepare(overlapping).get()).toEqual({ n: 0 });
    expect(database.prepare('SELECT max(count) AS n FROM store_blocks').get()).toEqual({ n: 20 });
    database.close();
  });

  test('a replay of what is packed changes nothing, and a correction is one point', async () => {
    const points = Array.from({ length: 100 }, (_, i) => at(i, i % 2 ? { b: i, a: 1, t: 'x' } : { a: i }));
    const first = await open();
    await first.write(points);
    await first.stop();
    await packAll();
    const store = await open();
    expect(await store.write(points)).toEqual([]);
    expect(rowsIn(file)).toBe(1);
    await store.write([at(40, { a: 1, b: 2 })]);
    await store.write([at(40, { b: 3 })]);
    expect(rowsIn(file)).toBe(2);
    const corrected = points.map((point, i) => (i === 40 ? at(40, { a: 1, b: 3 }) : point));
    expect(await readAll(store)).toEqual(corrected);
    await store.write([at(1_000, { a: 1 })]);
    await store.stop();
    await packAll();
    expect(await readAll(await open())).toEqual([...corrected, at(1_000, { a: 1 })]);
  });

  test('a process that is killed while it packs loses and doubles nothing', async () => {
    const points = Array.from({ length: 4_000 }, (_, i) => at(i, { a: i / 10, b: Math.sqrt(i) }, `d${i % 3}`));
    const store = await open();
    await store.write(points);
    const expected = await readAll(store);
    expect(expected).toHaveLength(4_000);
    const code = `
      const { createSqliteStore } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../sqlite.ts')).href)});
      const logger = { debug() {}, warn() {} };
      await createSqliteStore({ file: ${JSON.stringify(file)}, logger, packing: ${JSON.stringify(eager)} }).start();
      setInterval(() => {}, 1000);`;
    for (let round = 0; round < 3; round++) {
      const before = rowsIn(file);
      const child = spawn(process.execPath, [
        '--disable-warning=ExperimentalWarning',
        '--input-type=module',
        '-e',
        code,
      ]);
      await expect.poll(() => rowsIn(file), { timeout: 60_000, interval: 1 }).toBeLessThan(before - 100);
      await sleep(Math.random() * 10);
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      expect(await readAll(store)).toEqual(expected);
    }
    const database = new DatabaseSync(file);
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    database.close();
  });

  test('takes over a file of the first layout, and refuses that of a newer Gapline', async () => {
    const store = await open();
    await store.write([at(1, { a: 1 }), at(2, { a: 2 })]);
    await store.stop();
    const database = new DatabaseSync(file);
    database.exec('DROP VIEW store_points; DROP TABLE store_schema; DROP TABLE store_blocks');
    database.exec('ALTER TABLE store_rows RENAME TO store_points');
    const again = await open();
    expect(await readAll(again)).toEqual([at(1, { a: 1 }), at(2, { a: 2 })]);
    await again.stop();
    // What an older Gapline does with it: its tables are not there, so it says so and writes nothing.
    database.exec('CREATE TABLE IF NOT EXISTS store_points (series INTEGER) STRICT');
    expect(() => database.prepare('INSERT INTO store_points (series, time, numbers) VALUES (1, 1, 1)')).toThrow(/view/);
    database.exec('UPDATE store_schema SET version = 99');
    database.close();
    await expect(open()).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('has the layout 99 of the store, this Gapline knows 2: use the newer Gapline'),
    });
  });

  /** Flips a bit of the block of the series of `d` that is `nth` in time. */
  const damage = (nth: number) => {
    const database = new DatabaseSync(file);
    const { id, data } = database
      .prepare('SELECT id, data FROM store_blocks ORDER BY first LIMIT 1 OFFSET ?')
      .get(nth) as never as {
      id: number;
      data: Uint8Array;
    };
    data[20] = (data[20] ?? 0) ^ 4;
    database.prepare('UPDATE store_blocks SET data = ? WHERE id = ?').run(data, id);
    database.close();
  };

  test.each([0, 1, 2])('goes past a damaged block, and tells of it once: block %i', async (nth) => {
    const points = (from: number, to: number, step = 1) =>
      Array.from({ length: Math.ceil((to - from) / step) }, (_, i) =>
        at(from + i * step, { a: Math.sin(from + i * step) }),
      );
    const first = await open();
    await first.write(points(0, 600, 10));
    await first.stop();
    await packAll();
    damage(nth);
    const told: string[] = [];
    const second = createSqliteStore({
      file,
      logger: pino({ level: 'warn' }, { write: (line: string) => void told.push(line) }),
      packing: eager,
    });
    await second.start();
    stops.push(() => second.stop());
    // Between all points that there are, and after them.
    await second.write([...points(5, 600, 10), ...points(600, 700)]);
    // What lies in the damaged block stays a row: one for each of its points but the last; and the newest row stays.
    await untilPacked(file, 20);
    await second.write(points(700, 760));
    await untilPacked(file, 20);
    await second.stop();
    const damaged = told.filter((line) => line.includes('is damaged'));
    expect(damaged).toHaveLength(1);
    expect(damaged[0]).toMatch(/(19|20) points from 1970-01-01T00:00:00.000Z/);
    expect(damaged[0]).not.toContain('cannot be packed');
    const database = new DatabaseSync(file, { readOnly: true });
    const overlapping = `SELECT count(*) AS n FROM store_blocks a JOIN store_blocks b
      ON a.series = b.series AND a.id <> b.id AND a.first <= b.last AND b.first <= a.last`;
    expect(database.prepare(overlapping).get()).toEqual({ n: 0 });
    const held = 'SELECT (SELECT sum(count) FROM store_blocks) + (SELECT count(*) FROM store_rows) AS n';
    expect(database.prepare(held).get()).toEqual({ n: 60 + 60 + 160 });
    database.close();
  });

  test('a read steps over a damaged block, and tells of it once; later states of its points are there', async () => {
    const store = await open();
    await store.write(Array.from({ length: 60 }, (_, i) => at(i, { a: Math.sin(i) })));
    await store.stop();
    await packAll();
    damage(1);
    const told: string[] = [];
    const logging = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
    const damaged = createSqliteStore({ file, logger: logging, packing: false });
    await damaged.start();
    stops.push(() => damaged.stop());
    const read = await readAll(damaged);
    expect(read.length).toBeGreaterThanOrEqual(40);
    expect(read.length).toBeLessThan(60);
    expect(await readAll(damaged)).toEqual(read);
    expect(told.filter((line) => /its block \d+ is damaged: .*: (19|20) points from 1970/.test(line))).toHaveLength(1);
    await damaged.write([at(25, { a: 7 })]);
    expect(await readAll(damaged)).toHaveLength(read.length + 1);
  });

  test('a read steps over a row whose bytes are no fields, and tells of it', async () => {
    const store = await open();
    await store.write(Array.from({ length: 5 }, (_, i) => at(i, { a: i })));
    await store.stop();
    const database = new DatabaseSync(file);
    database.exec(`UPDATE store_rows SET numbers = x'0900' WHERE time = 3`);
    database.close();
    const told: string[] = [];
    const logging = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
    const damaged = createSqliteStore({ file, logger: logging, packing: false });
    await damaged.start();
    stops.push(() => damaged.stop());
    expect((await readAll(damaged)).map(({ time }) => time)).toEqual(['0', '1', '2', '4']);
    expect(told.filter((line) => line.includes('1 points of m of d are damaged'))).toHaveLength(1);
  });
});
