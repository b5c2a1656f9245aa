import { elementAt } from '../core/numeric/element.ts';
import { JsonNumberScanner } from '../core/numeric/scan-json-numbers.ts';
import { bufferOf, frameAround, standsAt, valuesIn } from './plain-frame.ts';

const [comma, closing] = [0x2c, 0x7d];

/** The samples of one field in a record. */
export interface PlainColumn {
  /** Of the stream. */
  readonly column: number;
  /** Where its samples begin in {@link PlainSamples.samples}, and how many there are. */
  readonly first: number;
  readonly length: number;
  /** How many of them are numbers. */
  readonly present: number;
}

/**
 * Reads a record of many samples as the collector writes them, its names in the order of the stream, some of them missing: without an
 * object of arrays. As with {@link PlainValues} whatever else comes is told by `undefined`.
 */
export class PlainSamples {
  readonly #keys: readonly Buffer[];
  readonly #scanner = new JsonNumberScanner();
  /** Of the last record, field after field, NaN for a gap. */
  samples = new Float64Array(0);
  /** Of the last record, in the order of the stream. */
  columns: PlainColumn[] = [];

  constructor(fields: readonly string[]) {
    this.#keys = fields.map((field) => Buffer.from(`${JSON.stringify(field)}:`));
  }

  /** @returns the record with empty `values`; its samples are at hand until the next call */
  read(given: Uint8Array): Record<string, unknown> | undefined {
    const bytes = bufferOf(given);
    const from = valuesIn(bytes);
    if (from < 0) return undefined;
    // A sample is a byte at least, and so is what stands between two.
    if (this.samples.length * 2 < bytes.length) this.samples = new Float64Array(Math.ceil(bytes.length * 0.6));
    const end = this.#fill(bytes, from);
    return end < 0 ? undefined : frameAround(bytes, from, end);
  }

  /** @returns where the closing brace is, or -1 */
  #fill(bytes: Buffer, from: number): number {
    this.columns = [];
    let at = from;
    let first = 0;
    for (let column = 0; column < this.#keys.length; column++) {
      const key = elementAt(this.#keys, column);
      if (!standsAt(bytes, at, key)) continue;
      const { samples } = this;
      at = this.#scanner.array(bytes, at + key.length, samples, first);
      if (at < 0) return -1;
      const { length, present } = this.#scanner;
      this.columns.push({ column, first, length, present });
      first += length;
      if (bytes[at] === closing) return at;
      if (bytes[at] !== comma) return -1;
      at += 1;
    }
    return -1;
  }
}
