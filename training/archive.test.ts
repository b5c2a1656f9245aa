import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { elementAt } from '../core/numeric/element.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { endsSegment, inSegment, onlyEndsSegment } from '../core/steps/port.ts';
import { untilPacked } from '../core/store/packed/testing.ts';
import type { ReadOptions, SeriesStore } from '../core/store/port.ts';
import { createSqliteStore } from '../core/store/sqlite.ts';
import { type Point, readingToPoint } from '../core/wire/point.ts';
import type { Samples } from '../core/wire/samples.ts';
import { samplesToPoints } from '../core/wire/samples-point.ts';
import { parseRange, readArchive, rowsOf } from './archive.ts';
import { fitCandidate } from './candidate.ts';
import { labelledRows, labelRows } from './rows.ts';
import { quickOptions } from './testing.ts';

const fields = ['a', 'b;'];
const range = { from: '0', to: '1000000' };

/** A reading as the archive keeps it; a null value is a gap. */
const point = (device: string, time: number, values: Record<string, number | null>, truth?: string): Point =>
  readingToPoint(
    { stream: 's', device, time: String(time), received: '0', values, ...(truth !== undefined && { truth }) },
    fields.length,
  );

/** A store that holds these points, in batches of three. */
function storeOf(points: readonly Point[], reads: ReadOptions[] = []): SeriesStore {
  return {
    async start() {},
    async stop() {},
    write: async () => [],
    async *read(options) {
      reads.push(options);
      for (let at = 0; at < points.length; at += 3) yield points.slice(at, at + 3);
    },
  };
}

it('readings with truth become rows, gaps and all', async () => {
  const reads: ReadOptions[] = [];
  const store = storeOf(
    [
      point('x', 1, { a: 1, 'b;': 2 }, 'ham'),
      point('x', 2, { a: 3, 'b;': null }, 'spam'),
      point('y', 3, { a: 5, 'b;': 6 }),
      point('y', 4, {}, 'ham'),
    ],
    reads,
  );
  const dataset = await readArchive({ store, stream: 's', fields, range });
  expect(reads).toEqual([{ measurement: 's', range }]);
  const gap = Number.NaN;
  expect([...dataset.values]).toEqual([1, 2, 3, gap, gap, gap]);
  expect(dataset).toMatchObject({
    fields,
    count: 3,
    classes: ['ham', 'spam'],
    devices: { names: ['x', 'y'], index: Int32Array.of(0, 0, 1) },
    times: BigInt64Array.of(1n, 2n, 4n),
    withoutTruth: 1,
    leftOut: 0,
  });
  expect([...dataset.labels]).toEqual([0, 1, 0]);
});

it('records of many samples become rows, in chunks and one by one', async () => {
  const samples = (time: string, rate: number, values: Samples['values']) =>
    samplesToPoints({ stream: 's', device: 'x', time, rate, values, truth: 'ham', received: '0' }, fields.length);
  const long = Array.from({ length: 2_500 }, (_, index) => (index === 7 ? null : index));
  const store = storeOf([...samples('10', 1e6, { a: long }), ...samples('5000000', 2, { a: [1, 2], 'b;': [3] })]);
  const dataset = await readArchive({ store, stream: 's', fields, range });
  expect(dataset.count).toBe(2_502);
  const column = Array.from(dataset.values.filter((_, at) => at % 2 === 0));
  expect(column).toEqual([...long.map((value) => value ?? Number.NaN), 1, 2]);
  expect([...dataset.values.slice(-4)]).toEqual([1, 3, 2, Number.NaN]);
  expect(Array.from(dataset.times ?? [], String).slice(0, 2)).toEqual(['10', '1010']);
  expect(String(dataset.times?.[2_499])).toBe('2499010');
  await expect(readArchive({ store, stream: 's', fields, range, maxRows: 2_000, whole: true })).rejects.toThrow(
    'more than 2000 samples',
  );
});

it('where a segment ends is kept, so that training cuts the windows that the line cut', async () => {
  const known = { stream: 's', device: 'x', truth: 'ham', received: '0', endsSegment: true } as const;
  const samples = samplesToPoints({ ...known, time: '10', rate: 1_000, values: { a: [1, 2] } }, fields.length);
  const slow = samplesToPoints({ ...known, time: '5000000', rate: 2, values: { a: [3, 4] } }, fields.length);
  const only = readingToPoint({ ...known, time: '600000000', values: {} }, fields.length);
  const store = storeOf([...samples, ...slow, point('x', 550_000_000, { a: 5 }, 'ham'), only]);
  const { segments } = await readArchive({ store, stream: 's', fields, range });
  expect([...(segments ?? [])]).toEqual([inSegment, endsSegment, inSegment, endsSegment, inSegment, onlyEndsSegment]);
});

it('of too many readings an even sample is taken, the same each time, in order', async () => {
  const points = Array.from({ length: 1_000 }, (_, time) => point('x', time, { a: time }, time % 2 ? 'odd' : 'even'));
  const read = () => readArchive({ store: storeOf(points), stream: 's', fields, range, maxRows: 100 });
  const dataset = await read();
  expect(dataset).toMatchObject({ count: 100, leftOut: 900 });
  const times = Array.from(dataset.times!, Number);
  expect([...times].sort((a, b) => a - b)).toEqual(times);
  expect(times.filter((time) => time < 500).length).toBeGreaterThan(30);
  expect(times.filter((time) => time < 500).length).toBeLessThan(70);
  expect((await read()).times).toEqual(dataset.times);
});

it.each([
  ['objects', 4_000],
  ['objects', 1_500],
  ['fields one by one', 4_000],
  ['fields one by one', 1_500],
  ['fields one by one', 100],
])('readings, samples and ends that come as %s are sampled as by the book: %i rows', async (way, maxRows) => {
  const points = Array.from({ length: 60 }, (_, at): readonly Point[] => {
    const device = `d${at % 3}`;
    if (at % 7 === 3)
      return [
        readingToPoint(
          { stream: 's', device, time: `${at * 10_000}`, received: '0', values: {}, truth: 'ham', endsSegment: true },
          2,
        ),
      ];
    if (at % 2) return [point(device, at * 10_000, { a: at, 'b;': at % 3 ? null : 1 }, at % 5 ? 'ham' : 'spam')];
    const values = { a: Array.from({ length: 70 + at }, (__, index) => (index % 9 ? index : null)) };
    const truth = at % 4 ? 'ham' : 'eggs';
    return samplesToPoints(
      {
        stream: 's',
        device,
        time: `${at * 10_000}`,
        rate: 1e6,
        values,
        truth,
        received: '0',
        ...(at % 8 === 0 && { endsSegment: true }),
      },
      2,
    );
  }).flat();
  const rows = points.flatMap((each) => [...rowsOf(each, fields)]);
  const random = mulberry32(1);
  const kept: number[] = [];
  for (const number of rows.keys()) {
    const place = kept.length < maxRows ? number : Math.floor(random() * (number + 1));
    if (place < maxRows) kept[place] = number;
  }
  const wanted = kept.sort((a, b) => a - b).map((number) => elementAt(rows, number));
  const store = storeOf(points);
  const visit = async function* () {
    for (const each of points) yield [{ ...each, time: BigInt(each.time), each: eachOf(each) }];
  };
  const from = way === 'objects' ? store : { ...store, visit };
  const dataset = await readArchive({ store: from, stream: 's', fields, range, maxRows });
  const { classes, labels, devices, times, segments } = dataset;
  const given = wanted.map((_, row) => ({
    device: devices?.names[elementAt(devices.index, row)],
    time: String(times?.[row]),
    values: [...dataset.values.subarray(2 * row, 2 * row + 2)],
    truth: classes[elementAt(labels, row)],
    segment: segments?.[row],
  }));
  expect(dataset).toMatchObject({ count: wanted.length, leftOut: rows.length - wanted.length, withoutTruth: 0 });
  expect(given).toEqual(
    wanted.map(
      ({ device, time, fields: { 'v.a': a = Number.NaN, 'v.b;': b = Number.NaN, truth, endsSegment: ends } }) => ({
        ...{ device, time, values: [a, b], truth },
        segment: !ends ? inSegment : Number.isNaN(a) && Number.isNaN(b) ? onlyEndsSegment : endsSegment,
      }),
    ),
  );
});

/** Hands the fields of a point out one by one. */
const eachOf =
  ({ fields: all }: Point) =>
  (onField: (name: string, value: Point['fields'][string]) => void) => {
    for (const [name, value] of Object.entries(all)) onField(name, value);
  };

it('a model learns from it', async () => {
  const points = Array.from({ length: 200 }, (_, time) =>
    point(
      'x',
      time,
      { a: time % 5 === 0 ? null : time % 2, 'b;': (time % 2) * 3 + (time % 7) / 10 },
      time % 2 ? 'odd' : 'even',
    ),
  );
  const dataset = await readArchive({ store: storeOf(points), stream: 's', fields, range });
  const rows = labelledRows(dataset, dataset.classes);
  const { model } = await fitCandidate({ rows, fields, classes: dataset.classes, options: quickOptions });
  expect(await labelRows(model.open(), rows)).toEqual(rows.labels);
});

it.each([
  ['no readings', [], /there are no readings/],
  ['no truth', [point('x', 1, { a: 1 })], /none of the 1 readings has a truth/],
])('reports that there is nothing to learn where there are %s', async (_, points, message) => {
  const reading = readArchive({ store: storeOf(points), stream: 's', fields, range });
  await expect(reading).rejects.toMatchObject({ code: 'data-invalid', message: expect.stringMatching(message) });
});

const nowMs = Date.parse('2026-01-08T00:00:00Z');
const week = (BigInt(Date.parse('2026-01-01T00:00:00Z')) * 1_000_000n).toString();
it.each([
  ['-7d', week],
  ['-168h', week],
  ['-1w', week],
  ['2026-01-01T00:00:00Z..', week],
  ['2026-01-01T00:00:00Z..2026-01-02T00:00:00.000000001Z', week],
  ['..2026-01-02T00:00:00Z', '-9223372036854775806'],
])('the range %s begins at %s', (text, from) => {
  const read = parseRange(text, nowMs);
  expect(read.from).toBe(from);
  expect(BigInt(read.to)).toBeGreaterThan(BigInt(read.from));
});

it.each(['7d', '-7', '-7y', '', 'yesterday', '2026-02-30T00:00:00Z..', '2026-01-02T00:00:00Z..2026-01-01T00:00:00Z'])(
  'refuses the range %j, saying what would be right',
  (text) => {
    expect(() => parseRange(text, nowMs)).toThrow(/a range is like -7d or/);
  },
);

it('a damaged block of the embedded store is told and stepped over: training has all other readings', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-archive-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'store.db');
  const told: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
  const packing = { pointsPerBlock: 20, atOnce: 1, everyMs: 1, paced: false };
  const written = createSqliteStore({ file, logger, packing });
  await written.start();
  await written.write(
    Array.from({ length: 100 }, (_, i) => point('x', i, { a: Math.sin(i), 'b;': i }, i % 2 ? 'ham' : 'spam')),
  );
  await untilPacked(file);
  await written.stop();
  const database = new DatabaseSync(file);
  const second = 'SELECT id, first, last, count, data FROM store_blocks ORDER BY first LIMIT 1 OFFSET 1';
  const { id, first, last, count, data } = database.prepare(second).get() as Record<string, number> & {
    data: Uint8Array;
  };
  database.prepare('UPDATE store_blocks SET data = ? WHERE id = ?').run(
    data.map((byte) => byte ^ 1),
    id ?? 0,
  );
  database.close();

  const store = createSqliteStore({ file, logger, packing: false });
  await store.start();
  onTestFinished(() => store.stop());
  for (let again = 0; again < 2; again += 1) {
    const dataset = await readArchive({ store, stream: 's', fields, range });
    expect(dataset.count).toBe(100 - Number(count));
    const kept = Array.from({ length: 100 }, (_, i) => i).filter((i) => i < Number(first) || i > Number(last));
    expect(Array.from(dataset.times ?? [], Number)).toEqual(kept);
    expect(Array.from(dataset.labels, (label) => dataset.classes[label])).toEqual(
      kept.map((i) => (i % 2 ? 'ham' : 'spam')),
    );
  }
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(new RegExp(`block ${id} is damaged.*${count} points from 1970-01-01.*cannot be read`));
});
