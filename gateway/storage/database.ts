import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** How long a statement waits for another process that writes. */
const busyMs = 5_000;

const schema = `
  CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS grants (
    user TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    stream TEXT NOT NULL,
    PRIMARY KEY (user, role, stream)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS codes (
    user TEXT PRIMARY KEY REFERENCES users (id),
    hash TEXT NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (id),
    turn INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    ended TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user);
  CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    stream TEXT NOT NULL,
    user TEXT NOT NULL REFERENCES users (id),
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    created TEXT NOT NULL,
    started TEXT,
    ended TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    cancelling INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease INTEGER,
    progress TEXT,
    result TEXT,
    reason TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS tasks_by_state ON tasks (state, number);
`;

/** Opens users, sessions and tasks in one file, which only its owner may read. */
export function openDatabase(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  // SQLite gives its further files the mode of the first.
  closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: busyMs });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    database.exec(schema);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}
