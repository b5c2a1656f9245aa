/** The texts of a row by the ids of their fields; long ones may be UTF-8. */
export type RowTexts = readonly (readonly [id: number, text: string | Uint8Array])[];

/** Of fewer bytes, a string is made at once. */
const longText = 256;
const [quote, backslash, colon, comma, opening, closing] = [0x22, 0x5c, 0x3a, 0x2c, 0x7b, 0x7d];
const zero = 0x30;

/** @throws {Error} where it is no JSON object of texts by id */
export function textsOf(strings: string | Uint8Array): RowTexts {
  if (typeof strings === 'string') return parsed(strings);
  const bytes = Buffer.from(strings.buffer, strings.byteOffset, strings.byteLength);
  return bytes.includes(backslash) ? parsed(stringOf(bytes)) : scanned(bytes);
}

export const stringOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString();

const parsed = (strings: string): RowTexts =>
  Object.entries(JSON.parse(strings) as Record<string, string>).map(([id, text]) => [Number(id), text]);

/** JSON as `JSON.stringify` writes it, in which nothing is escaped: only its quotes are looked for. */
function scanned(bytes: Buffer): RowTexts {
  const texts: (readonly [number, string | Uint8Array])[] = [];
  const end = bytes.length - 1;
  if (bytes[0] !== opening || bytes[end] !== closing) throw new SyntaxError('strings are no JSON object');
  for (let at = 1; at < end; ) {
    if (texts.length > 0 && bytes[at++] !== comma) throw new SyntaxError(`no comma before byte ${at}`);
    const idEnd = endOfText(bytes, at);
    if (bytes[idEnd] !== colon) throw new SyntaxError(`no colon at byte ${idEnd}`);
    const textEnd = endOfText(bytes, idEnd + 1);
    const text = bytes.subarray(idEnd + 2, textEnd - 1);
    texts.push([idOf(bytes, at + 1, idEnd - 1), text.length < longText ? text.toString() : text]);
    at = textEnd;
  }
  return texts;
}

/** Behind the closing quote of the text that begins here. */
function endOfText(bytes: Buffer, at: number): number {
  const end = bytes[at] === quote ? bytes.indexOf(quote, at + 1) : -1;
  if (end < 0) throw new SyntaxError(`no text at byte ${at}`);
  return end + 1;
}

function idOf(bytes: Buffer, from: number, to: number): number {
  let id = 0;
  for (let at = from; at < to; at += 1) id = 10 * id + (bytes[at] ?? 0) - zero;
  return id;
}
