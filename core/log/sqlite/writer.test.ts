import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fenced } from '../batch-processor.ts';
import { contents, deadline, fixtureOfEachTest, record, texts } from '../contract/fixture.ts';
import { sqliteUnderTest } from './testing.ts';
import { SqliteWriter } from './writer.ts';

describe('group commit', () => {
  let db: DatabaseSync;
  let commits: number;
  let writer: SqliteWriter;
  let disk: Error | undefined;

  beforeEach(() => {
    disk = undefined;
    db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE t (n INTEGER)');
    commits = 0;
    const committed = () => void commits++;
    const nothing = () => {};
    writer = new SqliteWriter({
      db,
      file: 'memory',
      maxWaitingBytes: 10_000_000,
      finish: nothing,
      sync: () => {
        if (disk) throw disk;
      },
      committed,
      undone: nothing,
    });
  });
  afterEach(() => db.close());

  const insert = (n: number, bytes = 10) => ({
    bytes,
    deadline: performance.now() + 30_000,
    run: () => void db.prepare('INSERT INTO t VALUES (?)').run(n),
  });
  const rows = () =>
    db
      .prepare('SELECT n FROM t ORDER BY rowid')
      .all()
      .map(({ n }) => n);

  test('writes all that is submitted in one turn in one transaction, in order', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, n) => writer.submit(insert(n))));
    expect(commits).toBe(1);
    expect(rows()).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test('splits jobs that are too much for one transaction, and runs one that is too large alone', async () => {
    const sizes = [3_000_000, 3_000_000, 1_000_000, 100];
    await Promise.all(sizes.map((bytes, n) => writer.submit(insert(n, bytes))));
    expect(commits).toBe(2);
    await writer.submit(insert(4, 9_000_000));
    expect(rows()).toEqual([0, 1, 2, 3, 4]);
  });

  test('leaves out a job that refuses and rolls all back where one fails', async () => {
    const refusing = {
      ...insert(1),
      run: () => {
        throw new Fenced('taken');
      },
    };
    const results = await Promise.allSettled([
      writer.submit(insert(0)),
      writer.submit(refusing),
      writer.submit(insert(2)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(rows()).toEqual([0, 2]);

    const breaking = { ...insert(3), run: () => db.exec('INSERT INTO nowhere VALUES (1)') };
    const broken = await Promise.allSettled([writer.submit(insert(4)), writer.submit(breaking)]);
    expect(broken.map((result) => result.status === 'rejected' && result.reason.outcome)).toEqual([
      'refused',
      'refused',
    ]);
    expect(rows()).toEqual([0, 2]);
  });

  test('rolls back what the full disk cannot take, and resumes once it has space', async () => {
    const fat = { ...insert(1), run: () => db.exec('INSERT INTO t SELECT hex(randomblob(9000)) FROM t') };
    await writer.submit(insert(0));
    db.exec('PRAGMA max_page_count = 2');
    const results = await Promise.allSettled([writer.submit(insert(2)), writer.submit(fat)]);
    expect(results.map((result) => result.status === 'rejected' && result.reason)).toEqual([
      expect.objectContaining({ outcome: 'refused', message: expect.stringContaining('full') }),
      expect.objectContaining({ outcome: 'refused' }),
    ]);
    db.exec('PRAGMA max_page_count = 1000000');
    await writer.submit(insert(3));
    expect(rows()).toEqual([0, 3]);
  });

  test('acknowledges nothing that the disk did not take, and nothing after it', async () => {
    await writer.submit(insert(0));
    disk = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    const failed = await Promise.allSettled([writer.submit(insert(1)), writer.submit(insert(2))]);
    const unknown = {
      outcome: 'unknown',
      message: expect.stringContaining('the disk did not take what was written (EIO'),
    };
    expect(failed.map((result) => result.status === 'rejected' && result.reason)).toEqual([
      expect.objectContaining(unknown),
      expect.objectContaining(unknown),
    ]);
    expect(commits).toBe(2);
    // A sync that succeeds later says nothing of what an earlier one lost.
    disk = undefined;
    await expect(writer.submit(insert(3))).rejects.toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('until Gapline is started again'),
    });
    await writer.drained();
    expect(rows()).toEqual([0, 1, 2]);
  });

  test('refuses jobs past the memory bound', async () => {
    const waiting = [writer.submit(insert(0, 6_000_000)), writer.submit(insert(1, 3_000_000))];
    await expect(writer.submit(insert(2, 2_000_000))).rejects.toMatchObject({ outcome: 'refused' });
    await Promise.all(waiting);
    await writer.submit(insert(3, 2_000_000));
    expect(rows()).toEqual([0, 1, 3]);
  });
});

describe('a file that cannot be written', () => {
  let underTest: Awaited<ReturnType<typeof sqliteUnderTest>>;
  const fixture = fixtureOfEachTest(async () => {
    underTest = await sqliteUnderTest();
    return underTest;
  });

  test('waits for another process that writes, until the deadline', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const other = new DatabaseSync(underTest.file);
    other.exec('BEGIN IMMEDIATE');
    await expect(log.append(topic, [record('a', 0)], { deadlineMs: 400 })).rejects.toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('another process'),
    });
    const waiting = log.append(topic, [record('a', 1)], deadline);
    setTimeout(() => other.close(), 100);
    await waiting;
    expect(texts(await contents(log, topic))).toEqual(['1']);
  });
});
