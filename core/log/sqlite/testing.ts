import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogUnderTest, silent } from '../contract/fixture.ts';
import { createSqliteLog, type SqliteLogOptions } from '../sqlite.ts';

/** A file of its own for a test; consumers that fail try again soon. */
export async function sqliteUnderTest(
  options: Partial<SqliteLogOptions> = {},
): Promise<LogUnderTest & { file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-log-'));
  const file = join(folder, 'gapline.db');
  const quick = { backoff: { firstMs: 5, maxMs: 40 }, graceMs: 300 };
  return {
    file,
    address: { engine: 'sqlite', file },
    create: () => createSqliteLog({ file, logger: silent, ...quick, ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
