import { viewOf } from '../../wire/words.ts';

/**
 * A message in Protocol Buffers' wire format, read by field number: enough for ONNX files.
 * https://protobuf.dev/programming-guides/encoding/
 */
export class Message {
  readonly #fields = new Map<number, Field[]>();

  /** @throws RangeError where the bytes are no message */
  constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes);
    while (!reader.atEnd) {
      const tag = reader.varint();
      const number = Math.floor(tag / 8);
      const fields = this.#fields.get(number) ?? [];
      fields.push(reader.field(tag % 8));
      this.#fields.set(number, fields);
    }
  }

  messages(number: number): Message[] {
    return this.bytes(number).map((bytes) => new Message(bytes));
  }

  message(number: number): Message | undefined {
    return this.messages(number).at(-1);
  }

  bytes(number: number): Uint8Array[] {
    return this.#of(number).filter((field) => field instanceof Uint8Array);
  }

  strings(number: number): string[] {
    const decoder = new TextDecoder();
    return this.bytes(number).map((bytes) => decoder.decode(bytes));
  }

  string(number: number): string | undefined {
    return this.strings(number).at(-1);
  }

  /** Signed integers, packed or not. */
  integers(number: number): number[] {
    return this.#of(number).flatMap((field) => {
      if (!(field instanceof Uint8Array)) return typeof field === 'number' ? [field] : [];
      const reader = new Reader(field);
      const packed: number[] = [];
      while (!reader.atEnd) packed.push(reader.varint());
      return packed;
    });
  }

  integer(number: number): number | undefined {
    return this.integers(number).at(-1);
  }

  /** 32-bit floats, packed or not. */
  floats(number: number): number[] {
    return this.#numbers(number, 4, (view, at) => view.getFloat32(at, true));
  }

  /** 64-bit floats, packed or not. */
  doubles(number: number): number[] {
    return this.#numbers(number, 8, (view, at) => view.getFloat64(at, true));
  }

  #numbers(number: number, width: 4 | 8, read: (view: DataView, at: number) => number): number[] {
    return this.#of(number).flatMap((field) => {
      if (typeof field === 'number') return [];
      const view = field instanceof Uint8Array ? viewOf(field) : field;
      if (view.byteLength % width !== 0) throw new RangeError(`field ${number} is no list of ${width}-byte numbers`);
      return Array.from({ length: view.byteLength / width }, (_, index) => read(view, index * width));
    });
  }

  #of(number: number): Field[] {
    return this.#fields.get(number) ?? [];
  }
}

/** A field of a message as it is written. */
export interface RawField {
  readonly number: number;
  /** The whole field, its tag included. */
  readonly bytes: Uint8Array;
  /** Of one that has a length: what that counts; empty for others. */
  readonly content: Uint8Array;
}

/**
 * The fields of a message in their order, so that some can be put in the place of others.
 * @throws RangeError where the bytes are no message
 */
export function fieldsIn(bytes: Uint8Array): RawField[] {
  const reader = new Reader(bytes);
  const fields: RawField[] = [];
  while (!reader.atEnd) {
    const from = reader.at;
    const tag = reader.varint();
    const content = reader.field(tag % 8);
    fields.push({
      number: Math.floor(tag / 8),
      bytes: bytes.subarray(from, reader.at),
      content: content instanceof Uint8Array ? content : new Uint8Array(0),
    });
  }
  return fields;
}

export const joinFields = (fields: readonly RawField[]): Uint8Array => Buffer.concat(fields.map(({ bytes }) => bytes));

/** A field that has a length: a text or a message. */
export function lengthDelimited(number: number, content: Uint8Array): RawField {
  const head = [...varint(number * 8 + 2), ...varint(content.length)];
  return { number, content, bytes: Buffer.concat([Uint8Array.from(head), content]) };
}

/** A whole number from 0 on. */
export function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))];
}

/** A varint, a length-delimited field, or a fixed one of 4 or 8 bytes. */
type Field = number | Uint8Array | DataView;

/** A 64-bit integer in two's complement from its lower 28 and higher 36 bits. */
function signed(low: number, high: number): number {
  return (high >= 2 ** 35 ? high - 2 ** 36 : high) * 2 ** 28 + low;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Numbers past 2^53 come as the next double, negative ones as they are. */
  varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      if (shift < 28) low += (byte & 0x7f) * 2 ** shift;
      else high += (byte & 0x7f) * 2 ** (shift - 28);
      if (byte < 0x80) return signed(low, high);
    }
    throw new RangeError(`no number ends at byte ${this.#at}`);
  }

  field(wireType: number): Field {
    if (wireType === 0) return this.varint();
    if (wireType === 1) return viewOf(this.#take(8));
    if (wireType === 2) return this.#take(this.varint());
    if (wireType === 5) return viewOf(this.#take(4));
    throw new RangeError(`there is no wire type ${wireType} (byte ${this.#at})`);
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length)
      throw new RangeError(`a field of ${length} bytes does not end (byte ${this.#at})`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
