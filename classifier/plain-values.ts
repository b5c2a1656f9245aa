import { bufferOf, frameAround, valuesIn } from './plain-frame.ts';
import { ValuesScanner } from './values-scanner.ts';

/**
 * Reads a record of one reading as the collector writes nearly all: values are finite numbers or null, their names in the order of the
 * stream, some of them missing. They go into the row without an object of as many keys. Whatever else comes is not read here, and told
 * by `undefined`: `JSON.parse` reads it then, and words what is wrong with it.
 */
export class PlainValues {
  readonly #values: ValuesScanner;
  /** Whether the last record had any value, if only null. */
  hasKey = false;

  constructor(fields: readonly string[]) {
    this.#values = new ValuesScanner(fields.map((field) => `${JSON.stringify(field)}:`));
  }

  /** How many values of the last record were numbers. */
  get present(): number {
    return this.#values.present;
  }

  /**
   * @param start - where in `into` the row begins, NaN for a gap; what was written there counts only if a record is returned
   * @returns the record with empty `values`
   */
  read(given: Uint8Array, into: Float64Array, start: number): Record<string, unknown> | undefined {
    const bytes = bufferOf(given);
    const from = valuesIn(bytes);
    const end = from < 0 ? -1 : this.#values.read(bytes, from, into, start);
    this.hasKey = end > from;
    return end < 0 ? undefined : frameAround(bytes, from, end);
  }
}
