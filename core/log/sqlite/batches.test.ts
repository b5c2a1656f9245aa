import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Batches } from './batches.ts';
import { sizeOfNew } from './block.ts';
import { closeDatabase, openDatabase } from './database.ts';

let folder: string;
const opened: DatabaseSync[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-batches-'));
});
afterEach(() => {
  for (const db of opened.splice(0)) closeDatabase(db);
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<DatabaseSync> {
  const db = await openDatabase(join(folder, 'log.db'));
  opened.push(db);
  return db;
}

/** A client that appends one record at a time to the one partition of a topic. */
async function writer() {
  const db = await open();
  db.exec(`INSERT INTO log_topics (id, name, partitions, retention_ms) VALUES (1, 't', 1, 1000)`);
  db.exec('INSERT INTO log_partitions (id, topic, number) VALUES (1, 1, 0)');
  const batches = new Batches(db, 'log.db');
  let next = 0n;
  return {
    append(): void {
      db.exec('BEGIN IMMEDIATE');
      const records = [{ key: null, value: Buffer.from(String(next)) }];
      const { id } = batches.write([
        { partitionId: 1n, first: next, arrivedMs: 1n, records, size: sizeOfNew(records) },
      ]);
      next += 1n;
      db.prepare('UPDATE log_partitions SET batch = ?, next = ?').run(id, next);
      db.exec('COMMIT');
      batches.committed();
    },
  };
}

/** A connection at which `before` happens between the question for the last batch and the next one. */
function disturbed(db: DatabaseSync, before: () => void): DatabaseSync {
  return new Proxy(db, {
    get(target, name) {
      if (name !== 'prepare') return Reflect.get(target, name).bind(target);
      return (sql: string) => {
        const statement = target.prepare(sql);
        if (!sql.includes('max(batch)')) return statement;
        const get = statement.get.bind(statement);
        return Object.assign(statement, {
          get: () => {
            const found = get();
            before();
            return found;
          },
        });
      };
    },
  });
}

test('what another process appends while this one looks is known once', async () => {
  const { append } = await writer();
  const batches = new Batches(disturbed(await open(), append), 'log.db');
  append();
  for (let look = 0; look < 3; look += 1) {
    append();
    batches.see();
  }
  const known = batches.all.map(({ id }) => id);
  expect(known.length).toBeGreaterThan(5);
  expect(known).toEqual(known.map((_, index) => BigInt(index + 1)));
});

test('a damaged place is told each time, and those before it are known once', async () => {
  const { append } = await writer();
  for (let count = 0; count < 5; count += 1) append();
  const db = await open();
  db.exec(
    `UPDATE log_appended SET slices = CAST(substr(slices, 1, 9) || x'01' || substr(slices, 11) AS BLOB) WHERE id = 4`,
  );
  const batches = new Batches(await open(), 'log.db');
  for (let look = 0; look < 3; look += 1) expect(() => batches.see()).toThrow(/the batch 4 of records/);
  expect(batches.all.map(({ id }) => id)).toEqual([1n, 2n, 3n]);
});
