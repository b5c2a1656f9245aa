import { pointerToken, shorten } from '../../core/wire/problem.ts';

/** Where a text stops being JSON. */
export interface JsonFault {
  /** JSON Pointer of the value that is incomplete or wrong. */
  readonly pointer: string;
  /** In UTF-16 units from the beginning. */
  readonly offset: number;
  readonly detail: string;
}

/** While the next key of an object is being read, `key` is undefined: a fault there belongs to the object. */
type Level = { readonly array: true; index: number } | { readonly array: false; key: string | undefined };

/**
 * Finds where a text that `JSON.parse` refuses is wrong, and why. It reads the text once more, so it is only for texts that failed.
 * @param maxDepth how many levels may be nested
 * @returns undefined where the text is JSON after all (RFC 8259)
 */
export function findJsonFault(text: string, maxDepth = 1_000): JsonFault | undefined {
  const reader = new JsonReader(text, maxDepth);
  try {
    reader.read();
    return undefined;
  } catch (error) {
    if (error instanceof FaultFound) return { pointer: reader.pointer(), offset: error.offset, detail: error.message };
    throw error;
  }
}

class FaultFound extends Error {
  readonly offset: number;

  constructor(offset: number, detail: string) {
    super(detail);
    this.offset = offset;
  }
}

/** Reads a text without recursion, so that deep nesting needs no stack. */
class JsonReader {
  readonly #text: string;
  readonly #levels: Level[] = [];
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
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
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) this.#next(level);
    this.#space();
    if (this.#at < this.#text.length) this.#fail('nothing may follow the value');
  }

  /** Reads a scalar, or the beginning of an array or object up to its first value. */
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
      if (this.#levels.length === this.#maxDepth) this.#fail(`nested more than ${this.#maxDepth} levels deep`);
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

  /** Reads what follows a value in an array or object: the next value, or its end. */
  #next(level: Level): void {
    this.#space();
    const char = this.#text[this.#at];
    if (char === (level.array ? ']' : '}')) {
      this.#at += 1;
      this.#levels.pop();
      return;
    }
    if (char !== ',') this.#fail(`expected a comma or ${level.array ? ']' : '}'}`);
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
    if (this.#text[this.#at] !== '"') this.#fail('expected a key in double quotes');
    const start = this.#at;
    this.#string();
    const key = JSON.parse(this.#text.slice(start, this.#at)) as string;
    this.#space();
    if (this.#text[this.#at] !== ':') this.#fail('expected a colon after the key');
    this.#at += 1;
    return key;
  }

  #literal(): void {
    const start = this.#at;
    while (this.#at < this.#text.length && !' \t\r\n,:[]{}"'.includes(this.#text.charAt(this.#at))) this.#at += 1;
    const token = this.#text.slice(start, this.#at);
    if (/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(token)) return;
    this.#at = start;
    this.#fail(token === '' ? 'expected a value' : `${shorten(token, 40)} is not JSON`);
  }

  #string(): void {
    const start = this.#at;
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) {
        this.#at += 1;
        return;
      }
      if (code < 0x20) this.#fail('a control character in a string is written as an escape');
      if (code !== 0x5c) continue;
      const escaped = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/.exec(this.#text.slice(this.#at, this.#at + 6));
      if (escaped === null) this.#fail('this is no escape of JSON');
      else this.#at += escaped[0].length - 1;
    }
    this.#at = start;
    this.#fail('the string has no end');
  }

  #space(): void {
    while (this.#at < this.#text.length && ' \t\r\n'.includes(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #fail(detail: string): never {
    const where = this.#at < this.#text.length ? '' : ', but the text ends here';
    throw new FaultFound(this.#at, `at character ${this.#at + 1}: ${detail}${where}`);
  }
}
