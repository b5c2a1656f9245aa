import { endField, type Point, valuePrefix } from '../wire/point.ts';
import { type ArchivedSamples, samplesOfPoint } from '../wire/samples-point.ts';
import type { StoredPoint } from './port.ts';
import { fieldsOf } from './stored-point.ts';

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
  samples: ArchivedSamples | undefined;
  readonly #fields: readonly string[];
  readonly #columnOf: ReadonlyMap<string, number>;
  #hasValue = false;
  #mayHoldSamples = false;

  constructor(fields: readonly string[]) {
    this.#fields = fields;
    this.#columnOf = new Map(fields.map((field, column) => [valuePrefix + field, column]));
    this.values = new Float64Array(fields.length);
  }

  read(point: StoredPoint): void {
    this.values.fill(Number.NaN);
    this.truth = undefined;
    this.isEnd = false;
    this.isMeasured = false;
    this.#hasValue = false;
    this.#mayHoldSamples = false;
    point.each(this.#take);
    this.samples = this.#mayHoldSamples ? this.#samplesOf(point) : undefined;
    this.isRow = this.samples === undefined || this.#hasValue;
  }

  readonly #take = (name: string, value: Point['fields'][string]): void => {
    const column = this.#columnOf.get(name);
    if (column !== undefined) {
      this.#hasValue = true;
      this.isMeasured = true;
      if (typeof value === 'number') this.values[column] = value;
    } else if (name === 'rate') this.#mayHoldSamples = true;
    else if (name === 'truth') this.truth = typeof value === 'string' && value !== '' ? value : undefined;
    else if (name === endField) this.isEnd = true;
    else if (name.startsWith(valuePrefix)) this.isMeasured = true;
  };

  /** Samples stand in texts, which are looked up by their names. */
  #samplesOf(point: StoredPoint): ArchivedSamples | undefined {
    const { device, time } = point;
    return samplesOfPoint({ measurement: '', device, time: String(time), fields: fieldsOf(point) }, this.#fields);
  }
}
