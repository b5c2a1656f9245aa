import { endField, type Point, valuePrefix } from '../wire/point.ts';
import { columnPrefix, type SampleSpan } from '../wire/samples-point.ts';
import type { StoredPoint } from './port.ts';
import { stringOf } from './row-texts.ts';

const spanFields: readonly string[] = ['rate', 'first', 'count'] satisfies (keyof SampleSpan)[];

/** Samples of a point, their numbers still text: to read them takes longer than to read the archive. */
export interface SampleTexts extends SampleSpan {
  /** By field: numbers with commas between, nothing for a gap; long texts may be UTF-8. Undefined where none was measured. */
  readonly texts: readonly (string | Uint8Array | undefined)[];
}

/** A point of the archive as what it holds: a row of values, many samples, or both at one time. Read again for each point. */
export class PointRow {
  /** By field; NaN is a gap. */
  readonly values: Float64Array;
  truth: string | undefined;
  /** Whether it ends its segment. */
  isEnd = false;
  /** Whether it is a row of its own, and whether any value was measured in that. */
  isRow = false;
  isMeasured = false;
  samples: SampleTexts | undefined;
  readonly #columnOf: ReadonlyMap<string, number>;
  readonly #textOf: ReadonlyMap<string, number>;
  readonly #span = new Map<string, number>();
  #texts: (string | Uint8Array | undefined)[] | undefined;
  #hasValue = false;

  constructor(fields: readonly string[]) {
    this.#columnOf = new Map(fields.map((field, column) => [valuePrefix + field, column]));
    this.#textOf = new Map(fields.map((field, column) => [columnPrefix + field, column]));
    this.values = new Float64Array(fields.length);
  }

  read(point: StoredPoint): void {
    this.values.fill(Number.NaN);
    this.truth = undefined;
    this.isEnd = false;
    this.isMeasured = false;
    this.#hasValue = false;
    this.#span.clear();
    this.#texts = undefined;
    point.each(this.#take, this.#takeUtf8);
    this.samples = this.#samplesOf();
    this.isRow = this.samples === undefined || this.#hasValue;
  }

  readonly #take = (name: string, value: Point['fields'][string]): void => {
    const column = this.#columnOf.get(name);
    if (column !== undefined) {
      this.#hasValue = true;
      this.isMeasured = true;
      if (typeof value === 'number') this.values[column] = value;
    } else if (spanFields.includes(name)) {
      if (typeof value === 'number') this.#span.set(name, value);
    } else if (name === 'truth') this.truth = typeof value === 'string' && value !== '' ? value : undefined;
    else if (name === endField) this.isEnd = true;
    else if (name.startsWith(valuePrefix)) this.isMeasured = true;
    else if (typeof value === 'string') this.#takeText(name, value);
  };

  readonly #takeUtf8 = (name: string, utf8: Uint8Array): void => {
    // A truth may be long, too.
    if (name.startsWith(columnPrefix)) this.#takeText(name, utf8);
    else this.#take(name, stringOf(utf8));
  };

  #takeText(name: string, text: string | Uint8Array): void {
    const column = this.#textOf.get(name);
    if (column === undefined) return;
    this.#texts ??= [];
    this.#texts[column] = text;
  }

  #samplesOf(): SampleTexts | undefined {
    if (this.#span.size < spanFields.length) return undefined;
    const [rate = 0, first = 0, count = 0] = spanFields.map((name) => this.#span.get(name));
    return { rate, first, count, texts: this.#texts ?? [] };
  }
}
