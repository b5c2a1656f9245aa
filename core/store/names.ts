import type { DatabaseSync } from 'node:sqlite';
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
  const findSeries = database.prepare('SELECT id FROM store_series WHERE measurement = ? AND device = ?');
  const addSeries = database.prepare('INSERT INTO store_series (measurement, device) VALUES (?, ?) RETURNING id');
  const pageSeries = database.prepare(
    'SELECT id, device FROM store_series WHERE measurement = ? AND device > ? ORDER BY device LIMIT ?',
  );
  const listFields = database.prepare('SELECT id, name, kind FROM store_fields WHERE measurement = ?');
  const addField = database.prepare('INSERT INTO store_fields (measurement, id, name, kind) VALUES (?, ?, ?, ?)');

  let cachedSeries = 0;
  const seriesCache = new Map<string, Map<string, number>>();
  const fieldCache = new Map<string, Fields>();

  function seriesOf(measurement: string, device: string): number | undefined {
    return findSeries.get(measurement, device)?.id as number | undefined;
  }

  function loadFields(measurement: string): Fields {
    const fields: Fields = { byName: new Map(), byId: new Map() };
    for (const row of listFields.all(measurement)) remember(fields, row as unknown as Field);
    fieldCache.set(measurement, fields);
    return fields;
  }

  function remember(fields: Fields, { id, name, kind }: Field): Field {
    const field: Field = { id, name, kind };
    fields.byName.set(name, field);
    fields.byId.set(id, field);
    return field;
  }

  return {
    series(measurement, device) {
      let devices = seriesCache.get(measurement);
      const known = devices?.get(device);
      if (known !== undefined) return known;
      const id = seriesOf(measurement, device) ?? (addSeries.get(measurement, device) as { id: number }).id;
      if (cachedSeries >= maxCachedSeries) {
        seriesCache.clear();
        cachedSeries = 0;
        devices = undefined;
      }
      if (devices === undefined) {
        devices = new Map();
        seriesCache.set(measurement, devices);
      }
      devices.set(device, id);
      cachedSeries += 1;
      return id;
    },

    fields(measurement, values) {
      let known = fieldCache.get(measurement) ?? loadFields(measurement);
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
        addField.run(measurement, field.id, name, kind);
        found[at] = field;
      }
      return found;
    },

    fieldById(measurement, id) {
      const field = fieldCache.get(measurement)?.byId.get(id) ?? loadFields(measurement).byId.get(id);
      if (field === undefined) throw new Error(`field ${id} of ${measurement} has no name`);
      return field;
    },

    seriesAfter: (measurement, device, limit) =>
      pageSeries.all(measurement, device, limit) as unknown as { id: number; device: string }[],
    seriesOf,
    forget() {
      seriesCache.clear();
      fieldCache.clear();
      cachedSeries = 0;
    },
  };
}
