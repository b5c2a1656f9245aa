import type { DatabaseSync } from 'node:sqlite';
import { textOf, wholeText } from '../wire/sqlite-text.ts';
import { type FieldKind, typeFault } from './fault.ts';
import { type Field, maxFields } from './row.ts';

/** The most devices in the cache; beyond that it is cleared. */
const maxCachedSeries = 100_000;

interface Fields {
  readonly byName: Map<string, Field>;
  readonly byId: Map<number, Field>;
}

/**
 * The names behind the ids in a row: series are (measurement, device), fields are (measurement, name) with one type for ever.
 * Another process may add names to the same file, never change them, so a cached name stays valid unless the transaction that
 * added it rolls back: call `forget` then.
 */
export interface Names {
  /** Finds or makes a series. Within a write transaction only. */
  series(measurement: string, device: string): number;
  /** Finds or makes the fields of a point; a string is the reason for refusing them. Within a write transaction only. */
  fields(measurement: string, values: Readonly<Record<string, number | string | boolean>>): readonly Field[] | string;
  /** @throws {Error} for an id that no writer ever assigned: the file is damaged. */
  fieldById(measurement: string, id: number): Field;
  /** Up to `limit` series of a measurement whose devices come after one, in the order of their UTF-8 bytes. */
  seriesAfter(measurement: string, device: string, limit: number): { id: number; device: string }[];
  seriesOf(measurement: string, device: string): number | undefined;
  forget(): void;
}

export const namesSchema = `
  CREATE TABLE IF NOT EXISTS store_series (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, device TEXT NOT NULL, UNIQUE (measurement, device)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS store_fields (
    measurement TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (measurement, id), UNIQUE (measurement, name)
  ) STRICT, WITHOUT ROWID;
`;

export function createNames(database: DatabaseSync): Names {
  const series = createSeries(database);
  const fields = createFields(database);
  return {
    ...series,
    ...fields,
    forget() {
      series.forget();
      fields.forget();
    },
  };
}

function createSeries(database: DatabaseSync): Pick<Names, 'series' | 'seriesOf' | 'seriesAfter' | 'forget'> {
  const find = database.prepare('SELECT id FROM store_series WHERE measurement = ? AND device = ?');
  const add = database.prepare('INSERT INTO store_series (measurement, device) VALUES (?, ?) RETURNING id');
  const page = database.prepare(
    `SELECT id, ${wholeText('device')} FROM store_series
     WHERE measurement = ? AND store_series.device > ? ORDER BY store_series.device LIMIT ?`,
  );
  let cached = 0;
  const cache = new Map<string, Map<string, number>>();

  function seriesOf(measurement: string, device: string): number | undefined {
    return find.get(measurement, device)?.id as number | undefined;
  }

  return {
    series(measurement, device) {
      let devices = cache.get(measurement);
      const known = devices?.get(device);
      if (known !== undefined) return known;
      const id = seriesOf(measurement, device) ?? (add.get(measurement, device) as { id: number }).id;
      if (cached >= maxCachedSeries) {
        cache.clear();
        cached = 0;
        devices = undefined;
      }
      if (devices === undefined) {
        devices = new Map();
        cache.set(measurement, devices);
      }
      devices.set(device, id);
      cached += 1;
      return id;
    },

    seriesOf,
    seriesAfter: (measurement, device, limit) =>
      page.all(measurement, device, limit).map((row) => {
        const found = row as { id: number; device: string | Uint8Array };
        return { id: found.id, device: textOf(found.device) };
      }),
    forget() {
      cache.clear();
      cached = 0;
    },
  };
}

function createFields(database: DatabaseSync): Pick<Names, 'fields' | 'fieldById' | 'forget'> {
  const list = database.prepare(`SELECT id, ${wholeText('name')}, kind FROM store_fields WHERE measurement = ?`);
  const add = database.prepare('INSERT INTO store_fields (measurement, id, name, kind) VALUES (?, ?, ?, ?)');
  const cache = new Map<string, Fields>();

  function loadFields(measurement: string): Fields {
    const fields: Fields = { byName: new Map(), byId: new Map() };
    for (const row of list.all(measurement)) {
      const { id, name, kind } = row as unknown as Omit<Field, 'name'> & { name: string | Uint8Array };
      remember(fields, { id, name: textOf(name), kind });
    }
    cache.set(measurement, fields);
    return fields;
  }

  function remember(fields: Fields, { id, name, kind }: Field): Field {
    const field: Field = { id, name, kind };
    fields.byName.set(name, field);
    fields.byId.set(id, field);
    return field;
  }

  return {
    fields(measurement, values) {
      let known = cache.get(measurement) ?? loadFields(measurement);
      const names = Object.keys(values);
      // Another process may have made the missing ones.
      if (names.some((name) => !known.byName.has(name))) known = loadFields(measurement);
      const found: Field[] = [];
      const missing: { name: string; kind: FieldKind; at: number }[] = [];
      for (const [at, name] of names.entries()) {
        const kind = typeof values[name] as FieldKind;
        const field = known.byName.get(name);
        if (field === undefined) missing.push({ name, kind, at });
        else if (field.kind !== kind) return typeFault(name, kind, field.kind);
        else found[at] = field;
      }
      if (known.byId.size + missing.length > maxFields)
        return `${measurement} would have more than ${maxFields} fields`;
      for (const { name, kind, at } of missing) {
        const field = remember(known, { id: known.byId.size, name, kind });
        add.run(measurement, field.id, name, kind);
        found[at] = field;
      }
      return found;
    },

    fieldById(measurement, id) {
      const field = cache.get(measurement)?.byId.get(id) ?? loadFields(measurement).byId.get(id);
      if (field === undefined) throw new Error(`field ${id} of ${measurement} has no name`);
      return field;
    },

    forget: () => cache.clear(),
  };
}
