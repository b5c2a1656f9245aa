import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogUnderTest, silent } from '../contract/fixture.ts';
import { createSqliteLog, type SqliteLogOptions } from '../sqlite.ts';
import type { PackingOptions } from './packing.ts';

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
