export interface ShapeLimits {
  /** Arrays and objects inside of each other. */
  readonly depth: number;
  /** Members of one object, elements of one array. */
  readonly members: number;
}

/** A text this short cannot cost much, whatever its shape: it is not looked at. */
const harmless = 65_536;

/**
 * Whether a JSON text is nested deeper or holds more in one object or array than a limit. `JSON.parse` takes seconds and half a
 * gigabyte for ten megabytes of brackets, or of keys that are all different; counting them first takes milliseconds.
 */
export function exceedsShape(text: string, { depth, members }: ShapeLimits): boolean {
  if (text.length < harmless) return false;
  const counts = new Uint32Array(depth + 1);
  let level = 0;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case 0x22: // A string: to its closing quote.
        index = endOfString(text, index);
        break;
      case 0x5b: // [
      case 0x7b: // {
        level += 1;
        if (level > depth) return true;
        counts[level] = 0;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        level = Math.max(0, level - 1);
        break;
      case 0x2c: // ,
        counts[level]! += 1;
        if (counts[level]! >= members) return true;
    }
  }
  return false;
}

function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
