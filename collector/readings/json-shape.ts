/** A text shorter than this is parsed quickly, whatever its shape. */
export const harmlessLength = 65_536;

export interface ShapeLimits {
  /** Levels of nested arrays and objects. */
  readonly depth: number;
  /** Members of one object, elements of one array. */
  readonly members: number;
}

/**
 * The limit that a JSON text exceeds: it is nested deeper, or has more members in one object or array. `JSON.parse` takes seconds and half a
 * gigabyte for ten megabytes of brackets, or of keys that are all different; counting them first takes milliseconds. Texts shorter than
 * {@link harmlessLength} are not checked.
 */
export function exceededShape(text: string, { depth, members }: ShapeLimits): keyof ShapeLimits | undefined {
  if (text.length < harmlessLength) return undefined;
  const counts = new Uint32Array(depth + 1);
  let exceeded: keyof ShapeLimits | undefined;
  walk(text, 0, (code, level) => {
    if (code === open) {
      if (level > depth) exceeded = 'depth';
      counts[level] = 0;
    } else if (code === comma) {
      counts[level]! += 1;
      if (counts[level]! >= members) exceeded = 'members';
    }
    return exceeded === undefined;
  });
  return exceeded;
}

/** The text of one element, or the offset at which the text is no longer an array. */
export type Element = { readonly text: string } | { readonly offset: number };

/**
 * Splits the text of a JSON array into the texts of its elements, so that each can be parsed by itself. Commas and brackets between the
 * elements are checked; the elements are not.
 */
export function* elementsOf(text: string): Generator<Element> {
  let start = text.indexOf('[') + 1;
  for (let first = true, closed = false; !closed; first = false) {
    const end = endOfElement(text, start);
    if (end < 0) return yield { offset: text.length };
    closed = text.charCodeAt(end) !== 0x2c;
    const element = text.slice(start, end);
    if (!(first && closed && element.trim() === '')) yield { text: element };
    start = end + 1;
  }
  if (text.charCodeAt(start - 1) !== 0x5d) return yield { offset: start - 1 };
  const after = text.slice(start).search(/\S/);
  if (after >= 0) yield { offset: start + after };
}

/** Where the element that begins at `start` ends: at a comma or a closing bracket; -1 where the text ends before it. */
function endOfElement(text: string, start: number): number {
  let end = -1;
  walk(text, start, (code, level, index) => {
    if (level > (code === comma ? 0 : -1) || code === open) return true;
    end = index;
    return false;
  });
  return end;
}

const open = 1;
const close = 2;
const comma = 3;

/**
 * Visits the brackets and commas outside of strings. The visitor gets the kind, how many brackets are open (an opening one counts, a
 * closing one does not; -1 if more were closed than opened), and the index. If it returns false, the walk ends.
 */
function walk(text: string, from: number, visit: (code: number, level: number, index: number) => boolean): void {
  let level = 0;
  for (let index = from; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case 0x22:
        index = endOfString(text, index);
        break;
      case 0x5b:
      case 0x7b:
        level += 1;
        if (!visit(open, level, index)) return;
        break;
      case 0x5d:
      case 0x7d:
        level -= 1;
        if (!visit(close, level, index)) return;
        break;
      case 0x2c:
        if (!visit(comma, level, index)) return;
    }
  }
}

function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
