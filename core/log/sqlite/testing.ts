import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach } from 'vitest';
import { fixtureOfEachTest, type LogUnderTest, silent } from '../contract/fixture.ts';
import { createSqliteLog, type SqliteLogOptions } from '../sqlite.ts';
import type { PackingOptions } from './packing.ts';

/** For each test a file with a log that packs nothing, further clients of it, and a look into its tables. */
export function fileOfEachTest() {
  let underTest: Awaited<ReturnType<typeof sqliteUnderTest>>;
  let db: DatabaseSync | undefined;
  const fixture = fixtureOfEachTest(async () => {
    underTest = await sqliteUnderTest({ packing: false });
    return underTest;
  });
  afterEach(() => {
    db?.close();
    db = undefined;
  });
  const look = (): DatabaseSync => {
    db ??= new DatabaseSync(underTest.file, { timeout: 5_000 });
    return db;
  };
  const one = (sql: string): number => Number(Object.values(look().prepare(sql).get() ?? {})[0]);
  return {
    fixture,
    file: () => underTest.file,
    look,
    /** The first column of the first row. */
    one,
    blocks: () => one('SELECT count(*) FROM log_blocks'),
    bytes: () => one('SELECT sum(bytes) FROM log_partitions'),
    /** A client that packs in this way, and what ends it. */
    async packingLog(packing: PackingOptions, retentionCheckMs = 3_600_000) {
      const other = await sqliteUnderTest({ file: underTest.file, packing, retentionCheckMs });
      const log = other.create();
      await log.start();
      return { log, stop: () => log.stop().finally(() => other.remove('')) };
    },
  };
}

/** Everything is packed at once, in blocks of a few records. */
export const eagerPacking: PackingOptions = { recordsPerBlock: 3, everyMs: 1, paced: false, batches: 2 };

/** A file of its own for a test, or a further client of one; consumers that fail try again soon. */
export async function sqliteUnderTest(
  options: Partial<SqliteLogOptions> = {},
): Promise<LogUnderTest & { file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-log-'));
  const { file = join(folder, 'gapline.db') } = options;
  const quick = { backoff: { firstMs: 5, maxMs: 40 }, graceMs: 300 };
  return {
    file,
    address: { engine: 'sqlite', file, ...(options.packing && { packing: options.packing }) },
    create: () => createSqliteLog({ file, logger: silent, ...quick, ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
