import { isUtf8 } from 'node:buffer';

const opening = Buffer.from('"values":{');
const name = '"values"';
const [comma, brace] = [0x2c, 0x7b];

/** The same bytes, as a buffer. */
export const bufferOf = (given: Uint8Array): Buffer => Buffer.from(given.buffer, given.byteOffset, given.byteLength);

/** Where the values of a record begin, behind their brace; -1 where they cannot be read apart from the rest. */
export function valuesIn(bytes: Buffer): number {
  const at = bytes.indexOf(opening);
  // Behind a comma or a brace the quote begins a name: within a text it would end it.
  if (at < 1 || (bytes[at - 1] !== comma && bytes[at - 1] !== brace)) return -1;
  return at + opening.length;
}

/** The record with empty `values`, which reach from `from` to their brace at `end`; undefined where it is none, or one that is not plain. */
export function frameAround(bytes: Buffer, from: number, end: number): Record<string, unknown> | undefined {
  if (!isUtf8(bytes)) return undefined;
  const tail = bytes.toString('utf8', end);
  // Of a name that comes twice the last counts, also of one with escapes.
  if (tail.includes(name) || tail.includes('\\')) return undefined;
  try {
    const record = JSON.parse(bytes.toString('utf8', 0, from) + tail);
    return isEmpty(record?.values) ? record : undefined;
  } catch {
    return undefined;
  }
}

export function standsAt(bytes: Buffer, at: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false;
  return true;
}

/** What was left of the values that were read, and nothing that stands elsewhere in a record and looks alike. */
const isEmpty = (values: unknown): boolean =>
  typeof values === 'object' && values !== null && !Array.isArray(values) && Object.keys(values).length === 0;
