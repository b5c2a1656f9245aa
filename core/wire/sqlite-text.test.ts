import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { textOf, wholeText } from './sqlite-text.ts';

test('a text comes back whole, whatever Node makes of its NUL characters', () => {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE texts (name TEXT) STRICT');
  const names = ['', '\0', 'a\0b', '\0ä\0', 'plain', 'é'];
  for (const name of names) database.prepare('INSERT INTO texts VALUES (?)').run(name);
  const rows = database.prepare(`SELECT ${wholeText('name')} FROM texts ORDER BY rowid`).all() as { name: string }[];
  expect(rows.map(({ name }) => textOf(name))).toEqual(names);
  database.close();
});
