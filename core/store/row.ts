import type { Point } from '../wire/point.ts';
import type { FieldKind } from './fault.ts';
import type { OnField, OnUtf8 } from './port.ts';
import { stringOf, textsOf } from './row-texts.ts';

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

/** A row as it is read: long strings may be their UTF-8. */
export interface ReadRow {
  readonly numbers: Uint8Array;
  readonly strings: string | Uint8Array | null;
}

/**
 * Gives a function that hands out the fields of a row.
 * @throws {Error} where the bytes are no row, or name fields that are not known
 */
export function openRow(
  { numbers, strings }: ReadRow,
  fieldOf: (id: number) => Field,
): (onField: OnField, onUtf8?: OnUtf8) => void {
  const view = new DataView(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const count = view.getUint16(0, true);
  const first = 2 + count * 2;
  if (first + count * 8 > view.byteLength) throw new RangeError(`${count} fields in ${view.byteLength} bytes`);
  const fields: Field[] = [];
  for (let at = 2; at < first; at += 2) fields.push(fieldOf(view.getUint16(at, true)));
  const texts = strings === null ? [] : textsOf(strings).map(([id, text]) => [fieldOf(id).name, text] as const);
  return (onField, onUtf8) => {
    for (const [index, { name, kind }] of fields.entries()) {
      const value = view.getFloat64(first + index * 8, true);
      onField(name, kind === 'boolean' ? value !== 0 : value);
    }
    for (const [name, text] of texts) {
      if (typeof text === 'string') onField(name, text);
      else if (onUtf8) onUtf8(name, text);
      else onField(name, stringOf(text));
    }
  };
}
