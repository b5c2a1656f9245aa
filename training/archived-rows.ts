import { encodeNames, encodeTruths } from '../core/dataset/dataset.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { DecimalScanner } from '../core/numeric/scan-decimals.ts';
import { endsSegment, inSegment, onlyEndsSegment } from '../core/steps/port.ts';
import type { PointRow } from '../core/store/point-row.ts';
import type { StoredPoint } from '../core/store/port.ts';
import { sampleOffsetNs } from '../core/wire/sample-offset.ts';
import { recordTimeOf } from '../core/wire/samples-point.ts';

const firstRoom = 1_024;

/**
 * Rows of an archive by column, an even sample of them where there are more than fit. A row is eight bytes a value: an object of each
 * would be some hundred. Source of the sample: Vitter (1985), algorithm R.
 */
export class ArchivedRows {
  offered = 0;
  readonly #size: number;
  readonly #width: number;
  readonly #random = mulberry32(1);
  readonly #scanner = new DecimalScanner();
  #count = 0;
  #values = new Float64Array(0);
  #times = new BigInt64Array(0);
  #segments = new Uint8Array(0);
  readonly #devices: string[] = [];
  readonly #truths: (string | undefined)[] = [];
  /** By row, its place among all that were offered. */
  readonly #numbers: number[] = [];

  /** @param size - rows that are kept at most */
  constructor(width: number, size: number) {
    this.#width = width;
    this.#size = size;
  }

  /** Offers what a point holds as a row of its own. */
  offerRow({ device, time }: StoredPoint, { values, truth, isEnd, isMeasured }: PointRow): void {
    const row = this.#placeOf(device, truth);
    if (row < 0) return;
    this.#values.set(values, row * this.#width);
    this.#times[row] = time;
    this.#segments[row] = segmentOf(isEnd, isMeasured);
  }

  /** Offers each of the samples that a point holds. */
  offerSamples({ device, time }: StoredPoint, { samples, truth, isEnd }: PointRow): void {
    if (!samples) return;
    const { count, first, rate, texts } = samples;
    const record = recordTimeOf(time, samples);
    const columns = Array.from({ length: this.#width }, (_, column) => {
      const text = texts[column];
      return text === undefined ? undefined : this.#scanner.numbers(text, count);
    });
    for (let index = 0; index < count; index++) {
      const row = this.#placeOf(device, truth);
      if (row < 0) continue;
      let isMeasured = false;
      for (const [column, values] of columns.entries()) {
        const value = values?.[index] ?? Number.NaN;
        this.#values[row * this.#width + column] = value;
        if (!Number.isNaN(value)) isMeasured = true;
      }
      this.#times[row] = record + BigInt(sampleOffsetNs(first + index, rate));
      this.#segments[row] = segmentOf(isEnd && index === count - 1, isMeasured);
    }
  }

  /** Where the next row is to be kept; -1: nowhere. */
  #placeOf(device: string, truth: string | undefined): number {
    const number = this.offered++;
    let row = number;
    if (number < this.#size) this.#makeRoom();
    else row = Math.floor(this.#random() * this.offered);
    if (row >= this.#size) return -1;
    this.#devices[row] = device;
    this.#truths[row] = truth;
    this.#numbers[row] = number;
    return row;
  }

  #makeRoom(): void {
    this.#count += 1;
    if (this.#count <= this.#times.length) return;
    const room = Math.min(this.#size, Math.max(firstRoom, this.#times.length * 2));
    const [values, times, segments] = [this.#values, this.#times, this.#segments];
    this.#values = new Float64Array(room * this.#width);
    this.#values.set(values);
    this.#times = new BigInt64Array(room);
    this.#times.set(times);
    this.#segments = new Uint8Array(room);
    this.#segments.set(segments);
  }

  /** The rows that were kept, in the order in which they came. */
  taken() {
    const order = Array.from({ length: this.#count }, (_, row) => row);
    if (this.offered > this.#count) order.sort((a, b) => (this.#numbers[a] ?? 0) - (this.#numbers[b] ?? 0));
    const segments = Uint8Array.from(order, (row) => this.#segments[row] ?? inSegment);
    return {
      count: this.#count,
      width: this.#width,
      values: this.#inOrder(order),
      times: BigInt64Array.from(order, (row) => this.#times[row] ?? 0n),
      ...encodeTruths(order.map((row) => this.#truths[row])),
      devices: encodeNames(order.map((row) => this.#devices[row] ?? '')),
      ...(segments.some((segment) => segment !== inSegment) && { segments }),
    };
  }

  #inOrder(order: readonly number[]): Float64Array {
    const width = this.#width;
    if (this.offered === this.#count) return this.#values.subarray(0, this.#count * width);
    const values = new Float64Array(order.length * width);
    for (const [to, row] of order.entries())
      values.set(this.#values.subarray(row * width, (row + 1) * width), to * width);
    return values;
  }
}

/** How a row ends its segment: with nothing measured it is nothing but the end. */
function segmentOf(isEnd: boolean, isMeasured: boolean): number {
  if (!isEnd) return inSegment;
  return isMeasured ? endsSegment : onlyEndsSegment;
}
