import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { compressors } from '../../core/dataset/parquet.ts';
import { openFolder } from '../../core/objects/folder.ts';
import type { ObjectStore } from '../../core/objects/port.ts';
import { readManifest } from '../../core/partitions/manifest.ts';
import type { Form } from '../../core/partitions/names.ts';
import { openExport } from '../../core/partitions/read.ts';
import type { SeriesStore } from '../../core/store/port.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import type { Fact } from '../../core/wire/fact.ts';
import { factToPoint } from '../../core/wire/fact-point.ts';
import type { Point } from '../../core/wire/point.ts';
import { samplesToPoints } from '../../core/wire/samples-point.ts';
import { maxTimeNs, minTimeNs } from '../../core/wire/time.ts';
import { exportReadings } from '../../exporting/export.ts';
import { readArchive } from '../../training/archive.ts';
import { readArchivedFacts } from '../../training/archived-facts.ts';

const fields = ['a', 'Truth', 'x,"y'];
const range = { from: minTimeNs.toString(), to: maxTimeNs.toString() };
const at = (iso: string) => `${Date.parse(iso)}000000`;

const reading = (device: string, iso: string, values: Record<string, number>, truth?: string): Point => ({
  ...{ measurement: 's', device, time: at(iso) },
  fields: {
    ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`v.${name}`, value])),
    gaps: fields.length - Object.keys(values).length,
    ...(truth !== undefined && { truth }),
  },
});

const points: Point[] = [
  reading('b/ü "1"', '2026-01-01T23:59:59.999Z', { a: 0.1, Truth: -0, 'x,"y': 5e-324 }, 'ja, "nein"'),
  reading('b/ü "1"', '2026-01-02T00:00:00Z', { a: 1 / 3 }, 'b'),
  reading('a', '1969-12-31T23:59:59Z', {}),
  reading('a', '2026-01-02T10:00:00Z', { 'x,"y': 1e300 }, 'b'),
  reading(`long${'😀'.repeat(60)}`, '2026-01-03T10:00:00Z', { a: 2 }, 'c'),
  // Dense samples, over midnight; the last ends a segment.
  ...samplesToPoints(
    {
      ...{ stream: 's', device: 'ecg', time: at('2026-01-02T23:59:59Z'), rate: 250, received: '0', truth: 'beat' },
      values: { a: Array.from({ length: 4_500 }, (_, index) => (index % 7 === 0 ? null : index / 8)) },
      endsSegment: true,
    },
    fields.length,
  ),
];

async function archive(held: readonly Point[]): Promise<SeriesStore> {
  const store = createSqliteStore({
    file: join(folder(), 'store.db'),
    logger: pino({ level: 'silent' }),
    packing: false,
  });
  await store.start();
  onTestFinished(() => store.stop());
  expect(await store.write(held)).toEqual([]);
  return store;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gapline-export-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const files = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ name }) => name)
    .sort();

const run = (
  store: Pick<SeriesStore, 'read'>,
  objects: ObjectStore,
  form: Form = 'parquet',
  mostObjectCells?: number,
) =>
  exportReadings({
    store,
    stream: 's',
    fields,
    range,
    objects,
    form,
    ...(mostObjectCells !== undefined && { mostObjectCells }),
  });

const learnt = async (store: Pick<SeriesStore, 'read'>) =>
  await readArchive({ store, stream: 's', fields, range, whole: true });

/** As another process finds it. */
const reader = async (path: string) => await openExport(openFolder(path));

test.each<[Form, number | undefined]>([
  ['parquet', undefined],
  ['csv', undefined],
  // Every day of a device in objects of a few rows.
  ['parquet', 60],
])('as %s, an export gives the same data set as the archive (%s cells an object)', async (form, cells) => {
  const store = await archive(points);
  const to = folder();
  const result = await run(store, openFolder(to), form, cells);
  expect(result).toMatchObject({ rows: 4_505, written: result.objects, resumed: 0, keptLonger: 0 });
  expect(await learnt(await reader(to))).toEqual(await learnt(store));
  const again = await run(store, openFolder(to), form, cells);
  expect(again).toEqual({ ...result, written: 0 });
});

test('Parquet has a null for a gap, the time as a timestamp, and folders by day and device', async () => {
  const to = folder();
  await run(await archive(points.slice(0, 2)), openFolder(to));
  const [first] = (await readManifest(openFolder(to)))?.objects ?? [];
  expect(first?.key).toMatch(/^readings\/day=2026-01-01\/device=b%2Fü%20%221%22\/part-0-[0-9a-f]{32}\.parquet$/);
  const file = readFileSync(join(to, first?.key ?? ''));
  const rows = await parquetReadObjects({
    file: file.buffer.slice(file.byteOffset, file.byteOffset + file.length),
    compressors,
  });
  expect(rows).toEqual([
    {
      ...{ device: 'b/ü "1"', time: new Date('2026-01-01T23:59:59.999Z'), a: 0.1, 'Truth (2)': -0, 'x,"y': 5e-324 },
      ...{ truth: 'ja, "nein"', endsSegment: null },
    },
  ]);
});

test('late data writes the days anew that it belongs to; a reader of the manifest before still finds its objects', async () => {
  const store = await archive(points);
  const to = folder();
  await run(store, openFolder(to));
  const opened = await reader(to);
  const was = await learnt(opened);
  const late = reading('a', '2026-01-02T09:00:00Z', { a: 7 }, 'b');
  await store.write([late, reading('b/ü "1"', '2026-01-02T00:00:00Z', { Truth: 4 })]);
  expect(await run(store, openFolder(to))).toMatchObject({ rows: 4_506, written: 2 });
  expect(await learnt(await reader(to))).toEqual(await learnt(store));
  expect(await learnt(opened)).toEqual(was);
  const withReplaced = files(to).length;
  await run(store, openFolder(to));
  expect(files(to)).toHaveLength(withReplaced - 2);
  await expect(learnt(opened)).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringMatching(/start again/),
  });
});

test('facts go with the readings', async () => {
  const store = await archive(points);
  const fact: Fact = {
    stream: 's',
    subject: 'a',
    kind: 'in use',
    from: at('2026-01-01T00:00:00Z'),
    values: {},
    received: '1',
  };
  const to = folder();
  const objects = openFolder(to);
  const withFacts = () =>
    exportReadings({ store, stream: 's', fields, range, objects, form: 'parquet', factKinds: ['in use', 'never'] });
  const read = async (from: Pick<SeriesStore, 'read'>) =>
    await readArchivedFacts(from, 's', { 'in use': [], never: [] });
  await store.write([factToPoint(fact)]);
  await withFacts();
  expect(await read(await reader(to))).toEqual([fact]);
  const manifest = await readManifest(objects);
  await withFacts();
  expect(await readManifest(objects)).toEqual(manifest);
  await store.write([factToPoint({ ...fact, to: at('2026-01-05T00:00:00Z') })]);
  await withFacts();
  expect(await read(await reader(to))).toEqual(await read(store));
  expect(await read(store)).toMatchObject([{ to: at('2026-01-05T00:00:00Z') }]);
});

test('what a run wrote that broke off is invisible, and is not written twice', async () => {
  const store = await archive(points);
  const to = folder();
  let room = 3;
  const breaking: ObjectStore = {
    ...openFolder(to),
    put: async (key, bytes) => {
      room -= 1;
      if (room < 0) throw new Error('the power went');
      return await openFolder(to).put(key, bytes);
    },
  };
  await expect(run(store, breaking)).rejects.toThrow('the power went');
  await expect(reader(to)).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringMatching(/no manifest/),
  });
  const result = await run(store, openFolder(to));
  expect(result).toMatchObject({ resumed: 3, written: result.objects - 3 });
  expect(files(to)).toHaveLength(result.objects + 1);
  expect(await learnt(await reader(to))).toEqual(await learnt(store));
});

test('what the archive has deleted by its age stays in the export', async () => {
  const to = folder();
  const before = await archive(points);
  await run(before, openFolder(to));
  const rest = await archive(
    points.filter(({ time, device }) => device !== 'ecg' || time !== points.at(-1)?.time).slice(1),
  );
  expect(await run(rest, openFolder(to))).toMatchObject({ rows: 4_505, written: 1, keptLonger: 1 });
  expect(await learnt(await reader(to))).toEqual(await learnt(before));
  expect(files(to)).toHaveLength(8);
});

test('a range takes whole days, and leaves the others as they are', async () => {
  const store = await archive(points);
  const to = folder();
  const days = (from: string, until: string) =>
    exportReadings({
      store,
      stream: 's',
      fields,
      range: { from: at(from), to: at(until) },
      objects: openFolder(to),
      form: 'csv',
    });
  const day = async () => [...new Set((await readManifest(openFolder(to)))?.objects.map((each) => each.day))].sort();
  await days('2026-01-01T12:00:00Z', '2026-01-01T12:00:01Z');
  expect(await day()).toEqual(['2026-01-01']);
  await days('2026-01-03T00:00:00Z', '2026-01-04T00:00:00Z');
  expect(await day()).toEqual(['2026-01-01', '2026-01-03']);
});

test('two at a time, another stream, and objects that were changed are refused', async () => {
  const store = await archive(points);
  const to = folder();
  const objects = openFolder(to);
  let second: Promise<unknown> | undefined;
  const slow: ObjectStore = {
    ...objects,
    put: async (key, bytes) => {
      second ??= run(store, openFolder(to));
      await second;
      return await objects.put(key, bytes);
    },
  };
  await expect(run(store, slow)).rejects.toMatchObject({
    code: 'storage-refused',
    message: expect.stringMatching(/another export/),
  });
  const other = { store, stream: 'other', fields, range, objects, form: 'csv' } as const;
  await expect(exportReadings(other)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/the stream s;/),
  });
  const [first] = (await readManifest(objects))?.objects ?? [];
  const file = join(to, first?.key ?? '');
  for (const [bytes, message] of [
    [Buffer.alloc(readFileSync(file).length), /cannot be read/],
    [Buffer.alloc(3), /has 3 bytes/],
  ] as const) {
    writeFileSync(file, bytes);
    await expect(learnt(await reader(to))).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(message),
    });
  }
  writeFileSync(join(to, 'manifest.json'), '{"format":"gapline-export","layout":2}');
  await expect(reader(to)).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringMatching(/no manifest/),
  });
});
