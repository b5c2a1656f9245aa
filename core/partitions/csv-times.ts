import { formatRfc3339 } from '../wire/time.ts';
import { type CsvBytes, type Template, templateOf } from './csv-bytes.ts';

const word = 2 ** 32;
const secondNs = 1_000_000_000n;
const thousand = 1_000;
const million = 1_000_000;
/** `Z`. */
const utc = 0x5a;

/** Three digits of each number below a thousand, as the bytes of a word. */
const threeDigits = Int32Array.from({ length: thousand }, (_, number) =>
  Buffer.from(`${String(number).padStart(3, '0')}\0`).readInt32LE(),
);
/** How many of them are left without zeros at the end. */
const significant = Uint8Array.from(threeDigits, (_, number) => {
  if (number % 10 !== 0) return 3;
  if (number % 100 !== 0) return 2;
  return number === 0 ? 0 : 1;
});
const point = 0x2e;
/** What stands before the decimals, at most. */
const secondsChars = 40;

/** Writes times in RFC 3339, as `formatRfc3339` does, each behind the same text. What rows of one second share is made once. */
export class TimeCells {
  readonly mostBytes: number;
  readonly #prefix: string;
  readonly #low: Uint32Array;
  readonly #high: Int32Array;
  /** Of the second at hand: its first nanosecond by its two halves, and the text. */
  #secondLow = 0;
  #secondHigh = 0;
  #second: Template | undefined;

  constructor(prefix: string, times: BigInt64Array) {
    this.#prefix = prefix;
    this.mostBytes = 3 * prefix.length + secondsChars;
    this.#low = new Uint32Array(times.buffer, times.byteOffset, 2 * times.length);
    this.#high = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
  }

  /** The time of a row, for which there is room. */
  write(row: number, out: CsvBytes): void {
    let ns = this.#sinceSecond(row);
    if (this.#second === undefined || ns < 0 || ns >= 1e9) ns = this.#begin(row);
    if (this.#second) out.template(this.#second);
    if (ns > 0) this.#decimals(ns, out);
    out.byte(utc);
  }

  #sinceSecond(row: number): number {
    return (this.#high[2 * row + 1]! - this.#secondHigh) * word + (this.#low[2 * row]! - this.#secondLow);
  }

  /** Begins the second of a row. @returns how far it is from there */
  #begin(row: number): number {
    const time = (BigInt(this.#high[2 * row + 1]!) << 32n) | BigInt(this.#low[2 * row]!);
    const second = time - (((time % secondNs) + secondNs) % secondNs);
    this.#secondLow = Number(BigInt.asUintN(32, second));
    this.#secondHigh = Number(second >> 32n);
    this.#second = templateOf(`${this.#prefix}${formatRfc3339(String(second)).slice(0, -1)}`);
    return this.#sinceSecond(row);
  }

  #decimals(ns: number, out: CsvBytes): void {
    const ms = Math.floor(ns / million);
    const us = Math.floor(ns / thousand) % thousand;
    const rest = ns % thousand;
    out.byte(point);
    if (us === 0 && rest === 0) {
      out.word(threeDigits[ms]!, significant[ms]!);
      return;
    }
    out.word(threeDigits[ms]!, 3);
    if (rest === 0) {
      out.word(threeDigits[us]!, significant[us]!);
      return;
    }
    out.word(threeDigits[us]!, 3);
    out.word(threeDigits[rest]!, significant[rest]!);
  }
}
