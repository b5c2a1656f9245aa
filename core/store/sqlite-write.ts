import type { DatabaseSync } from 'node:sqlite';
import type { Point } from '../wire/point.ts';
import { pointFault } from './fault.ts';
import type { Names } from './names.ts';
import { type Blocks, DamagedBlock } from './packed/blocks.ts';
import { createPacker, type Field, openRow, type Row } from './row.ts';
import { fieldsOf } from './stored-point.ts';

/** The most series whose last packed time is remembered; beyond that all are looked up anew. */
const maxKnownSeries = 100_000;

/** Writes points, within write transactions only. */
export interface PointWriter {
  /** Call it first in each transaction. */
  begin(): void;
  /** Merges one point into the file, or returns the reason for refusing it. */
  put(point: Point): string | undefined;
}

export function createWriter(database: DatabaseSync, names: Names, blocks: Blocks): PointWriter {
  const insert = database.prepare(
    'INSERT INTO store_rows (series, time, numbers, strings) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const find = database.prepare('SELECT numbers, strings FROM store_rows WHERE series = ? AND time = ?');
  const update = database.prepare('UPDATE store_rows SET numbers = ?, strings = ? WHERE series = ? AND time = ?');
  const pack = createPacker();
  const packed = createPackedPoints(blocks);

  /** The point as it is after a later one of the same identity; undefined where that changes nothing. */
  function merge({ measurement, device, time, fields: values }: Point, old: Row): Row | undefined {
    const merged = Object.fromEntries([
      ...Object.entries(fieldsOf({ each: openRow(old, (id) => names.fieldById(measurement, id)) })),
      ...Object.entries(values),
    ]);
    const known = names.fields(measurement, merged);
    if (typeof known === 'string') throw new Error(`${measurement} of ${device} at ${time} is damaged: ${known}`);
    const next = pack(byId(known), merged);
    return isSame(old, next) ? undefined : next;
  }

  function put(point: Point): string | undefined {
    const { measurement, device, fields: values } = point;
    const fault = pointFault(point);
    if (fault !== undefined) return fault;
    const fields = names.fields(measurement, values);
    if (typeof fields === 'string') return fields;
    const series = names.series(measurement, device);
    const time = BigInt(point.time);
    const before = packed.find(series, time);
    if (before && !find.get(series, time)) {
      // The row has all of the fields, and goes into the block when that is packed anew.
      const next = merge(point, before);
      if (next) insert.run(series, time, next.numbers, next.strings);
      return undefined;
    }
    const row = pack(byId(fields), values);
    if (insert.run(series, time, row.numbers, row.strings).changes === 1) return undefined;
    const old = find.get(series, time) as unknown as Row;
    // A replay writes the same values again.
    const next = isSame(old, row) ? undefined : merge(point, old);
    if (next) update.run(next.numbers, next.strings, series, time);
    return undefined;
  }

  return { put, begin: packed.begin };
}

const isSame = (one: Row, other: Row): boolean =>
  one.strings === other.strings && Buffer.compare(one.numbers, other.numbers) === 0;

/** The order in which a block gives the fields back, so that a replay is recognised without unpacking values. */
function byId(fields: readonly Field[]): readonly Field[] {
  for (let at = 1; at < fields.length; at++) {
    if ((fields[at - 1]?.id ?? 0) > (fields[at]?.id ?? 0)) return fields.toSorted((a, b) => a.id - b.id);
  }
  return fields;
}

/** Finds points that are packed already. New points lie behind all blocks of their series, which is remembered: they cost no search. */
function createPackedPoints(blocks: Blocks) {
  const newest = new Map<number, bigint>();
  let lastId = -1n;
  return {
    begin(): void {
      const now = blocks.lastId();
      if (now !== lastId || newest.size > maxKnownSeries) newest.clear();
      lastId = now;
    },
    find(series: number, time: bigint): Row | undefined {
      // No file has a block yet.
      if (lastId === 0n) return undefined;
      let last = newest.get(series);
      if (last === undefined) {
        last = blocks.newest(series) ?? -(2n ** 63n);
        newest.set(series, last);
      }
      if (time > last) return undefined;
      try {
        return blocks.pointAt(series, time);
      } catch (error) {
        if (!(error instanceof DamagedBlock)) throw error;
        // What cannot be read cannot be merged: the new values are kept as a row, so that the archive does not wait for ever.
        return undefined;
      }
    },
  };
}
