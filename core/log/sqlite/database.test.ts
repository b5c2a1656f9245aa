import { randomBytes } from 'node:crypto';
import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contents, copyTo, deadline, numbered, numbers, silent, sorted, texts } from '../contract/fixture.ts';
import { createSqliteLog } from '../sqlite.ts';
import { inTermsOfLog } from './errors.ts';
import { compressAtOnce } from './zstd.ts';

let folder: string;
const open = async (file: string) => {
  const log = createSqliteLog({ file, logger: silent });
  await log.start();
  return log;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('makes missing folders, and one fresh file for all who open it at once', async () => {
  const file = join(folder, 'not', 'there', 'yet', 'gapline.db');
  const logs = await Promise.all(Array.from({ length: 5 }, () => open(file)));
  await logs[0]!.ensureTopics([{ name: 'a', partitions: 2, retentionMs: 1_000 }]);
  await logs[1]!.append('a', numbered(0, 10), deadline);
  expect(await contents(logs[2]!, 'a')).toHaveLength(10);
  await Promise.all(logs.map((log) => log.stop()));
});

test('shares its file with tables of others', async () => {
  const file = join(folder, 'gapline.db');
  const other = new DatabaseSync(file);
  other.exec('PRAGMA journal_mode = WAL; CREATE TABLE points (id INTEGER)');
  const log = await open(file);
  other.exec('INSERT INTO points VALUES (1)');
  other.close();
  await log.stop();
});

test('a clean stop empties the write-ahead log, although another has the file open', async () => {
  const file = join(folder, 'gapline.db');
  const log = await open(file);
  await log.ensureTopics([{ name: 'a', partitions: 2, retentionMs: 60_000 }]);
  await log.append('a', numbered(0, 1_000), deadline);
  const other = new DatabaseSync(file);
  other.prepare('SELECT count(*) FROM log_appended').get();
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
  await log.stop();
  expect(statSync(`${file}-wal`).size).toBe(0);
  other.close();
  const again = await open(file);
  expect(await contents(again, 'a')).toHaveLength(1_000);
  await again.stop();
});

test('reports in one line a file that is no log', async () => {
  const file = join(folder, 'letter.txt');
  writeFileSync(file, 'Dear reader, this is not a database.\n'.repeat(200));
  const refusal = await open(file).catch((error) => error);
  expect(refusal).toMatchObject({ code: 'log-corrupt', retryable: false });
  expect(refusal.message).toBe(`${file} is not a log: it is no SQLite database`);
});

test('takes over a file of the first layout, with what it holds', async () => {
  const file = join(folder, 'gapline.db');
  const first = await open(file);
  // Of a compacted topic each record is a row, as all were then.
  await first.ensureTopics([{ name: 'a', partitions: 2, retentionMs: 1_000_000, compacted: true }]);
  await first.append('a', numbered(0, 10), deadline);
  await first.stop();
  const db = new DatabaseSync(file);
  db.exec('ALTER TABLE log_topics DROP COLUMN compacted; DROP TABLE log_holds; DROP TABLE log_blocks');
  db.exec(
    'ALTER TABLE log_partitions DROP COLUMN batch; DROP TABLE log_appended; ALTER TABLE log_rows RENAME TO log_records',
  );
  db.exec('UPDATE log_schema SET version = 1');
  db.close();
  const log = await open(file);
  await log.append('a', numbered(10, 20), deadline);
  expect(sorted(texts(await contents(log, 'a')))).toEqual(numbers(0, 20));
  await log.ensureTopics([{ name: 'b', partitions: 1, retentionMs: 1_000, compacted: true }]);
  await log.stop();
});

test('a process of the last layout that has the file open fails, and does not step over what is in batches', async () => {
  const file = join(folder, 'gapline.db');
  await (await open(file)).stop();
  const older = new DatabaseSync(file);
  older.exec(
    'ALTER TABLE log_partitions DROP COLUMN batch; DROP TABLE log_appended; ALTER TABLE log_rows RENAME TO log_records',
  );
  older.exec('UPDATE log_schema SET version = 3');
  const read = older.prepare('SELECT id FROM log_records');
  expect(read.all()).toEqual([]);
  await (await open(file)).stop();
  expect(() => read.all()).toThrow(/no such table/);
  older.close();
});

test('takes over batches of the fourth layout, which are compressed, and a process of it that has the file open fails', async () => {
  const file = join(folder, 'gapline.db');
  const log = await open(file);
  await log.ensureTopics([{ name: 'a', partitions: 2, retentionMs: 1_000_000 }]);
  for (let at = 0; at < 30; at += 10) await log.append('a', numbered(at, at + 10), deadline);
  await log.stop();
  const older = new DatabaseSync(file);
  older.exec('ALTER TABLE log_appended RENAME TO log_batches; UPDATE log_schema SET version = 4');
  const put = older.prepare('UPDATE log_batches SET data = ? WHERE id = ?');
  for (const { id, data } of older.prepare('SELECT id, data FROM log_batches').all())
    put.run(compressAtOnce((data as Uint8Array).subarray(0, -4)), id as number);
  const read = older.prepare('SELECT id FROM log_batches');
  expect(read.all()).toHaveLength(3);
  const newer = await open(file);
  expect(() => read.all()).toThrow(/no such table/);
  older.close();
  await newer.append('a', numbered(30, 40), deadline);
  expect(sorted(texts(await contents(newer, 'a')))).toEqual(numbers(0, 40));
  await newer.stop();
});

test('refuses the log of a newer Gapline', async () => {
  const file = join(folder, 'gapline.db');
  await (await open(file)).stop();
  const db = new DatabaseSync(file);
  db.exec('UPDATE log_schema SET version = 99');
  db.close();
  await expect(open(file)).rejects.toMatchObject({
    code: 'log-corrupt',
    message: `${file} has the layout 99 of the log, this Gapline knows 5: use the newer Gapline that wrote it`,
  });
});

test('names the file that cannot be opened', async () => {
  await mkdir(join(folder, 'folder.db'));
  await expect(open(join(folder, 'folder.db'))).rejects.toMatchObject({
    code: 'file-unusable',
    message: expect.stringContaining('folder.db'),
  });
});

test('distinguishes a full disk from a locked file', () => {
  const file = join(folder, 'gapline.db');
  const db = new DatabaseSync(file);
  db.exec('CREATE TABLE t (bytes BLOB); PRAGMA max_page_count = 2');
  const fill = () => inTermsOfLog(file, () => db.exec('INSERT INTO t VALUES (zeroblob(100000))'));
  expect(fill).toThrow(expect.objectContaining({ code: 'disk-full', retryable: true }));
  const other = new DatabaseSync(file);
  other.exec('BEGIN IMMEDIATE');
  expect(fill).toThrow(expect.objectContaining({ code: 'log-unavailable', retryable: true }));
  other.close();
  db.close();
});

test('reports a damaged file to readers and ends its consumers', async () => {
  const file = join(folder, 'gapline.db');
  const log = await open(file);
  await log.ensureTopics([{ name: 'a', partitions: 1, retentionMs: 86_400_000 }]);
  await log.append(
    'a',
    numbered(0, 2_000).map(({ key }) => ({ key, value: randomBytes(1_000) })),
    deadline,
  );
  await log.stop();
  const bytes = statSync(file).size;
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(bytes - 400_000, 0xee), 0, bytes - 400_000, 300_000);
  closeSync(handle);

  const damaged = await open(file);
  const meaning = { code: 'log-corrupt', message: expect.stringMatching(/^[^\n]*gapline\.db is damaged: [^\n]+$/) };
  await expect(contents(damaged, 'a')).rejects.toMatchObject(meaning);
  const running = await damaged.pipe({ from: ['a'], group: 'g' }, copyTo('a'));
  await expect(running.failed).rejects.toMatchObject(meaning);
  await damaged.stop();
});
