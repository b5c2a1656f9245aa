import type { Point } from '../wire/point.ts';
import type { FieldKind } from './fault.ts';

/** A field of one measurement, as rows name it. */
export interface Field {
  /** Below {@link maxFields}. */
  readonly id: number;
  readonly name: string;
  readonly kind: FieldKind;
}

/** Ids take two bytes. */
export const maxFields = 65_536;

/**
 * The fields of one point as two columns.
 * `numbers`: the count as uint16, that many ids as uint16, that many float64, all little endian; booleans are 0 and 1.
 * `strings`: a JSON object by id, or null where there are none.
 */
export interface Row {
  readonly numbers: Uint8Array;
  readonly strings: string | null;
}

/** Makes a function that packs fields into a row. The row's bytes are valid until the next call. */
export function createPacker(): (fields: readonly Field[], values: Point['fields']) => Row {
  let buffer = new DataView(new ArrayBuffer(4_096));
  return (fields, values) => {
    if (buffer.byteLength < 2 + fields.length * 10) buffer = new DataView(new ArrayBuffer(2 + fields.length * 20));
    let count = 0;
    for (const field of fields) if (field.kind !== 'string') count += 1;
    buffer.setUint16(0, count, true);
    let ids = 2;
    let floats = 2 + count * 2;
    let strings: Record<number, string> | null = null;
    for (const field of fields) {
      const value = values[field.name];
      if (typeof value === 'string') {
        strings ??= {};
        strings[field.id] = value;
        continue;
      }
      buffer.setUint16(ids, field.id, true);
      buffer.setFloat64(floats, Number(value), true);
      ids += 2;
      floats += 8;
    }
    return {
      numbers: new Uint8Array(buffer.buffer, 0, floats),
      strings: strings === null ? null : JSON.stringify(strings),
    };
  };
}

/** Gives back the fields of a row. */
export function unpack(row: Row, fieldOf: (id: number) => Field): Record<string, number | string | boolean> {
  const view = new DataView(row.numbers.buffer, row.numbers.byteOffset, row.numbers.byteLength);
  const count = view.getUint16(0, true);
  const entries: [string, number | string | boolean][] = [];
  for (let index = 0; index < count; index += 1) {
    const field = fieldOf(view.getUint16(2 + index * 2, true));
    const value = view.getFloat64(2 + count * 2 + index * 8, true);
    entries.push([field.name, field.kind === 'boolean' ? value !== 0 : value]);
  }
  if (row.strings !== null) {
    for (const [id, text] of Object.entries(JSON.parse(row.strings) as Record<string, string>)) {
      entries.push([fieldOf(Number(id)).name, text]);
    }
  }
  // Not by assignment, to which `__proto__` is no name like any other.
  return Object.fromEntries(entries);
}
