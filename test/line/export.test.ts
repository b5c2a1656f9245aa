import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { readDataset } from '../../core/dataset/read.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { gapline, spambase, temporaryFolder } from './gapline.ts';
import { archivedIdentities, predictionsOf } from './identities.ts';

const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];

test('readings and predictions are written as CSV, Parquet and SQLite, one row for each identity', {
  timeout: 90_000,
}, async () => {
  const data = temporaryFolder();
  const at = ['--config', spambase, '--data', data];
  expect((await gapline(['up', ...at, ...ports, '--labels', '80']).ended).code).toBe(0);
  const file = join(data, 'gapline.db');
  const held = await predictionsOf(file, 'spam_predictions');
  const archived = await archivedIdentities(file, 'spambase');
  const [first] = held as [Prediction];
  const log = createSqliteLog({ file, logger: pino({ level: 'silent' }) });
  await log.start();
  const again = { ...first, label: 'later' };
  const junk = { key: 'd', value: Buffer.from('no prediction') };
  const records = [{ key: first.device, value: Buffer.from(JSON.stringify(again)) }, junk];
  await log.append('spam_predictions', records, { deadlineMs: 5_000 });
  await log.stop();

  const write = (what: string, to: string, ...args: string[]) =>
    gapline(['export', what, ...at, '--to', join(data, to), ...args]).ended;
  expect(await write('predictions', 'p.sqlite')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${held.length} predictions in`),
    stderr: expect.stringContaining('1 records of the topic are no predictions'),
  });
  const db = new DatabaseSync(join(data, 'p.sqlite'));
  const rows = db.prepare('SELECT device, CAST(time_ns AS TEXT) AS time, label, gaps FROM predictions').all();
  db.close();
  const expected = held.map(({ device, time, label, gaps }) => ({ device, time, label, gaps }));
  const byTime = (a: { device: string; time: string }, b: typeof a) =>
    a.device < b.device ? -1 : a.device > b.device ? 1 : Number(BigInt(a.time) - BigInt(b.time));
  const latest = expected.map((row) =>
    row.device === first.device && row.time === first.time ? { ...row, label: 'later' } : row,
  );
  expect(rows.map((row) => ({ ...row }))).toEqual(latest.sort(byTime));

  expect((await write('readings', 'r.csv')).stdout).toContain(`${archived.length} readings in`);
  const table = await readDataset({ file: join(data, 'r.csv'), truth: 'truth', device: 'device', time: 'time' });
  expect([table.count, table.width]).toEqual([archived.length, 57]);
  expect((await write('readings', 'r.parquet')).stdout).toContain(`${archived.length} readings in`);
  const same = await readDataset({ file: join(data, 'r.parquet'), truth: 'truth', device: 'device', time: 'time' });
  expect([same.count, same.fields, same.values]).toEqual([table.count, table.fields, table.values]);
  expect((await write('readings', 'none.csv', '--range', '2090-01-01T00:00:00Z..')).stdout).toContain('0 readings in');
});

test('what cannot be written is explained, and nothing is left of it', { timeout: 30_000 }, async () => {
  const data = temporaryFolder();
  const at = ['--config', spambase, '--data', data];
  expect((await gapline(['up', ...at, ...ports, '--labels', '5']).ended).code).toBe(0);
  const to = async (file: string) => (await gapline(['export', 'readings', ...at, '--to', file]).ended).stderr;
  expect(await to('rows.xlsx')).toMatch(/ends in \.csv, \.parquet, \.sqlite.*\[config-invalid\]/);
  expect(await to(join(data, 'nowhere/rows.csv'))).toMatch(/nowhere.*\[file-unusable\]/);
  const kept = join(data, 'kept.csv');
  writeFileSync(kept, 'mine');
  const broken = await gapline(['export', 'readings', ...at, '--to', kept, '--range', 'soon']).ended;
  expect([broken.code, readFileSync(kept, 'utf8'), existsSync(`${kept}.part`)]).toEqual([1, 'mine', false]);
});
