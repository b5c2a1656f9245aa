import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { openFolder } from '../../core/objects/folder.ts';
import { writeManifest } from '../../core/partitions/manifest.ts';
import { columnsOf, emptyRows } from '../../core/partitions/rows.ts';
import { toParquet } from '../../core/partitions/write-parquet.ts';
import { readingToPoint } from '../../core/wire/point.ts';
import { exportReadings } from '../../exporting/export.ts';
import { compareModels, promoteModel } from './models.ts';
import { trainModel } from './train.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-made-'));
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const steps = [
  { use: 'window', length: '10s' },
  { use: 'statistics', features: ['mean', 'std'] },
];

/** Writes what somebody else made of an export: ten windows of each of some devices, every other one worn. */
async function made(
  to: string,
  devices: readonly string[],
  { fields = ['x.mean', 'x.std'], truths = ['sound', 'worn'] } = {},
): Promise<void> {
  const objects = await openFolder(to);
  const columns = columnsOf(fields);
  const written = [];
  for (const [at, device] of devices.entries()) {
    const rows = { ...emptyRows(device, columns, 10), truths: [truths[at % 2] ?? ''] };
    for (const [row, time] of rows.times.fill(0n).entries()) rows.times[row] = time + BigInt(row + 1) * 10_000_000_000n;
    for (const column of rows.values) for (const row of column.keys()) column[row] = (at % 2) * 5 + row / 10;
    const bytes = await toParquet({ ...rows, truth: rows.truth.fill(0) });
    const key = `readings/${at}.parquet`;
    await objects.put(key, bytes);
    const counts = { rows: 10, bytes: bytes.length, content: key, columns: 0 };
    written.push({ key, day: '1970-01-01', device, part: 0, ...counts });
  }
  const empty = { facts: [], replaced: [], columns: [columns], objects: written, steps };
  const writtenAt = '2026-01-01T00:00:00Z';
  await writeManifest(objects, {
    format: 'gapline-export',
    layout: 1,
    id: '1',
    written: writtenAt,
    stream: 'pumps',
    ...empty,
  });
}

function options(own: readonly object[] = steps) {
  const config = join(folder, 'stream.yaml');
  const text = `stream: pumps\ndata: { fields: [x] }\nsteps: ${JSON.stringify(own)}\ntraining: { trees: 5 }\n`;
  writeFileSync(config, text);
  return { config, set: [], data: join(folder, 'windows'), logLevel: 'silent', from: 'data' as const };
}

test('a version is trained on windows that were made elsewhere, scored on those of other devices, and has their steps', async () => {
  await made(join(folder, 'windows/train'), ['a', 'b', 'c', 'd']);
  await made(join(folder, 'windows/test'), ['e', 'f']);
  await trainModel(options());
  const registry = openRegistry({ folder: join(folder, 'models'), name: 'pumps' });
  const manifest = await registry.manifest(1);
  expect(manifest.metrics).toMatchObject({ on: 'test', rows: 20, accuracy: 1 });
  expect(manifest.channels).toEqual(['x']);
  expect(manifest.fields).toEqual(['x.mean', 'x.std']);
  expect(manifest.steps?.map(({ use }) => use)).toEqual(['window', 'statistics']);
});

test('windows of other steps are refused, and so are those that lack a column', async () => {
  await made(join(folder, 'windows'), ['a', 'b']);
  const longer = [{ use: 'window', length: '20s' }, ...steps.slice(1)];
  await expect(trainModel(options(longer))).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('"length":"10s"'),
  });
  await made(join(folder, 'windows'), ['a', 'b'], { fields: ['x.mean'] });
  await expect(trainModel(options())).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringContaining('x.std'),
  });
});

/** What a command prints. */
async function printed(command: Promise<void>): Promise<string> {
  const write = vi.mocked(process.stdout.write).mockClear();
  await command;
  return write.mock.calls.map(([text]) => String(text)).join('');
}

/** A first version that has every truth the wrong way round, and serves; and a second one, which is right. */
async function wrongThenRight() {
  const train = join(folder, 'windows/train');
  await made(join(folder, 'windows/test'), ['e', 'f']);
  await made(train, ['a', 'b', 'c', 'd'], { truths: ['worn', 'sound'] });
  await trainModel(options());
  await made(train, ['a', 'b', 'c', 'd']);
  await trainModel(options());
  return openRegistry({ folder: join(folder, 'models'), name: 'pumps' });
}

const accuracies = (table: string): string[][] =>
  Array.from(table.matchAll(/^\d+ \(.*\)\s+([\d.]+)/gm), ([line, accuracy = '']) => [line.slice(0, 1), accuracy]);

test('versions are compared on windows that were made elsewhere, and one serves where it is better there', {
  timeout: 300_000,
}, async () => {
  const registry = await wrongThenRight();
  expect(accuracies(await printed(compareModels(['1', '2'], options())))).toEqual([
    ['1', '0.0000'],
    ['2', '1.0000'],
  ]);
  await expect(promoteModel('1', options())).rejects.toThrow('it stands with --if');
  await promoteModel('1', { ...options(), data: join(folder, 'state') });
  expect(await printed(promoteModel('2', { ...options(), set: ['generator.gaps.rate=0'], if: 'f1' }))).toMatch(
    /f1 of version 2 is 100\.00 %, of version 1 0\.00 %[\s\S]*version 2 serves/,
  );
  expect(await registry.resolve('champion')).toBe(2);
  await expect(promoteModel('1', { ...options(), set: ['generator.gaps.rate=0'], if: 'f1' })).rejects.toMatchObject({
    code: 'model-refused',
  });
  expect(await registry.resolve('champion')).toBe(2);
});

test('versions are compared on an export of readings, of which their steps make the rows', {
  timeout: 300_000,
}, async () => {
  await wrongThenRight();
  const readings = ['a', 'b'].flatMap((device, at) =>
    Array.from({ length: 40 }, (_, second) => {
      const time = String(BigInt(second) * 1_000_000_000n);
      const truth = at === 0 ? 'sound' : 'worn';
      const values = { x: at * 10 * (second % 2) };
      return readingToPoint({ stream: 'pumps', device, time, received: time, values, truth }, 1);
    }),
  );
  const store = {
    async *read() {
      yield readings;
    },
  };
  const objects = await openFolder(join(folder, 'raw'));
  const range = { from: '0', to: '86400000000000' };
  await exportReadings({ store, stream: 'pumps', fields: ['x'], range, objects, form: 'parquet' });
  const table = await printed(compareModels([], { ...options(), data: join(folder, 'raw') }));
  expect(accuracies(table)).toEqual([
    ['1', '0.0000'],
    ['2', '1.0000'],
  ]);
});

test('a version without steps is not compared on rows that steps made', async () => {
  await made(join(folder, 'windows'), ['a', 'b']);
  const train = join(folder, 'plain.csv');
  const rows = Array.from({ length: 20 }, (_, row) => `${row},${row < 10 ? 'sound' : 'worn'}`);
  writeFileSync(train, `x,class\n${rows.join('\n')}\n`);
  const plain = { ...options([]), set: [`data.train=${train}`, 'data.truth=class'] };
  await trainModel({ ...plain, data: join(folder, 'state') });
  await expect(compareModels([], plain)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('version 1 has none'),
  });
});

test('no export of readings is written over them', async () => {
  await made(folder, ['a']);
  const range = { from: '0', to: '1' };
  const store = { read: async function* () {} };
  const objects = await openFolder(folder);
  const exporting = exportReadings({ store, stream: 'pumps', fields: ['x'], range, objects, form: 'parquet' });
  await expect(exporting).rejects.toMatchObject({ code: 'config-invalid' });
});
