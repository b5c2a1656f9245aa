import { pointerToken, shorten } from '../../core/wire/problem.ts';

/** Where a text stops being JSON. */
export interface JsonFault {
  /** JSON Pointer of the value that is not complete or not right. */
  readonly pointer: string;
  /** In UTF-16 units from the beginning. */
  readonly offset: number;
  readonly detail: string;
}

/** An object without a key is one whose next key is being read: a fault there is the object's. */
type Level = { readonly array: true; index: number } | { readonly array: false; key: string | undefined };

/**
 * Finds what `JSON.parse` only refuses: the place, as a pointer, and why. Read once more by hand, so it is for texts that failed.
 * @param deepest how many levels may be nested
 * @returns undefined where the text is JSON after all (RFC 8259)
 */
export function findJsonFault(text: string, deepest = 1_000): JsonFault | undefined {
  const reader = new JsonReader(text, deepest);
  try {
    reader.read();
    return undefined;
  } catch (error) {
    if (error instanceof Stop) return { pointer: reader.pointer(), offset: error.offset, detail: error.message };
    throw error;
  }
}

class Stop extends Error {
  readonly offset: number;

  constructor(offset: number, detail: string) {
    super(detail);
    this.offset = offset;
  }
}

/** Walks a text without recursion, so that depth costs no stack. */
class JsonReader {
  readonly #text: string;
  readonly #levels: Level[] = [];
  readonly #deepest: number;
  #at = 0;

  constructor(text: string, deepest: number) {
    this.#text = text;
    this.#deepest = deepest;
  }

  pointer(): string {
    let pointer = '';
    for (const level of this.#levels.slice(0, 20)) {
      if (level.array) pointer += `/${level.index}`;
      else if (level.key !== undefined) pointer += `/${pointerToken(level.key)}`;
    }
    return pointer;
  }

  read(): void {
    this.#value();
    while (this.#levels.length > 0) this.#next();
    this.#space();
    if (this.#at < this.#text.length) this.#stop('nothing may follow the value');
  }

  /** A scalar whole, or the opening of an array or object with its first value. */
  #value(): void {
    for (;;) {
      this.#space();
      const char = this.#text[this.#at];
      if (char !== '[' && char !== '{') break;
      this.#at += 1;
      this.#space();
      if (this.#text[this.#at] === (char === '[' ? ']' : '}')) {
        this.#at += 1;
        return;
      }
      if (this.#levels.length === this.#deepest) this.#stop(`nested more than ${this.#deepest} levels deep`);
      if (char === '[') this.#levels.push({ array: true, index: 0 });
      else {
        const level: Level = { array: false, key: undefined };
        this.#levels.push(level);
        level.key = this.#key();
      }
    }
    if (this.#text[this.#at] === '"') this.#string();
    else this.#literal();
  }

  /** What comes after a value inside of an array or object: the next one, or the end. */
  #next(): void {
    this.#space();
    const level = this.#levels[this.#levels.length - 1]!;
    const char = this.#text[this.#at];
    if (char === (level.array ? ']' : '}')) {
      this.#at += 1;
      this.#levels.pop();
      return;
    }
    if (char !== ',') this.#stop(`expected a comma or ${level.array ? ']' : '}'}`);
    this.#at += 1;
    if (level.array) level.index += 1;
    else {
      level.key = undefined;
      level.key = this.#key();
    }
    this.#value();
  }

  #key(): string {
    this.#space();
    if (this.#text[this.#at] !== '"') this.#stop('expected a key in double quotes');
    const start = this.#at;
    this.#string();
    const key = JSON.parse(this.#text.slice(start, this.#at)) as string;
    this.#space();
    if (this.#text[this.#at] !== ':') this.#stop('expected a colon after the key');
    this.#at += 1;
    return key;
  }

  #literal(): void {
    const start = this.#at;
    while (this.#at < this.#text.length && !' \t\r\n,:[]{}"'.includes(this.#text[this.#at]!)) this.#at += 1;
    const token = this.#text.slice(start, this.#at);
    if (/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(token)) return;
    this.#at = start;
    this.#stop(token === '' ? 'expected a value' : `${shorten(token, 40)} is not JSON`);
  }

  #string(): void {
    const start = this.#at;
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) {
        this.#at += 1;
        return;
      }
      if (code < 0x20) this.#stop('a control character in a string is written as an escape');
      if (code !== 0x5c) continue;
      const escaped = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/.exec(this.#text.slice(this.#at, this.#at + 6));
      if (escaped === null) this.#stop('this is no escape of JSON');
      else this.#at += escaped[0].length - 1;
    }
    this.#at = start;
    this.#stop('the string has no end');
  }

  #space(): void {
    while (this.#at < this.#text.length && ' \t\r\n'.includes(this.#text[this.#at]!)) this.#at += 1;
  }

  #stop(detail: string): never {
    const where = this.#at < this.#text.length ? '' : ', but the text ends here';
    throw new Stop(this.#at, `at character ${this.#at + 1}: ${detail}${where}`);
  }
}
