import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Site, silent } from './contract/place.ts';
import { logContract } from './contract.ts';
import { createSqliteLog, type SqliteLogOptions } from './sqlite.ts';

const backoff = { firstMs: 5, maxMs: 40 };

async function makeSite(options: Partial<SqliteLogOptions> = {}): Promise<Site & { file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-log-'));
  const file = join(folder, 'gapline.db');
  return {
    file,
    address: { engine: 'sqlite', file },
    create: () => createSqliteLog({ file, logger: silent, backoff, graceMs: 300, ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

logContract('SQLite', makeSite);
