import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../files/transaction.ts';
import { GaplineError } from '../wire/errors.ts';
import { namesSchema } from './names.ts';
import { blocksSchema } from './packed/blocks.ts';
import { marksSchema } from './retention.ts';

/** The layout of the tables. A file with a higher one was made by a newer Gapline. */
const schemaVersion = 2;

/**
 * Layout 1 has no version, and rows only, in a table `store_points`. That is a view now, so that a Gapline of then says that it cannot
 * write instead of missing what is packed.
 */
const schema = `
  ${namesSchema}
  ${marksSchema}
  CREATE TABLE IF NOT EXISTS store_rows (
    series INTEGER NOT NULL, time INTEGER NOT NULL, numbers BLOB NOT NULL, strings TEXT, UNIQUE (series, time)
  ) STRICT;
  ${blocksSchema}
  CREATE VIEW IF NOT EXISTS store_points AS SELECT series, time, numbers, strings FROM store_rows;
  CREATE TABLE IF NOT EXISTS store_schema (version INTEGER NOT NULL) STRICT;
  INSERT INTO store_schema SELECT ${schemaVersion} WHERE NOT EXISTS (SELECT 1 FROM store_schema);
`;

/**
 * Makes the tables that are missing.
 * @throws {GaplineError} `store-unavailable` for the file of a newer Gapline.
 */
export function prepareSchema(database: DatabaseSync, file: string): void {
  inTransaction(database, () => {
    const old = database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'store_points'`).get();
    if (old) database.exec('ALTER TABLE store_points RENAME TO store_rows');
    database.exec(schema);
    const version = database.prepare('SELECT version FROM store_schema').get()?.version;
    if (version === schemaVersion) return;
    const detail = `${file} has the layout ${version} of the store, this Gapline knows ${schemaVersion}: use the newer Gapline that wrote it`;
    throw new GaplineError('store-unavailable', detail, { retryable: false });
  });
}
