import type { Rows } from '../core/model/rows.ts';
import { decodeReadingFrame, mismatch, type ReadingFrame, valueFault } from '../core/wire/decode-reading.ts';
import type { Stream } from '../core/wire/stream.ts';

/** Why a record gives no row. `dead`: it can never be processed. `skip`: it is sound, but not for this classifier. */
export interface Refusal {
  readonly kind: 'dead' | 'skip';
  readonly reason: string;
}

/** The reason of a skip: the record belongs to another stream that shares the topic. */
export const foreignStream = 'foreign-stream';

const foreign: Refusal = { kind: 'skip', reason: foreignStream };
const dead = (reason: string): Refusal => ({ kind: 'dead', reason });

/**
 * The readings of one batch, by column: the rows for the model, and what a prediction repeats. Filled again for each batch, so that
 * a partition allocates only while its batches grow.
 */
export class ReadingBatch {
  readonly #stream: Stream;
  readonly #columns: ReadonlyMap<string, number>;
  #values = new Float64Array(0);
  #times = new BigInt64Array(0);
  count = 0;
  /** Gaps over all rows. */
  gaps = 0;
  /** Values whose names the stream does not know. They are ignored, as the line-protocol endpoint ignores them. */
  unknownFields = 0;
  devices: string[] = [];
  timeTexts: string[] = [];
  received: string[] = [];
  truths: (string | undefined)[] = [];
  gapsByRow: number[] = [];

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#columns = new Map(stream.fields.map((name, column) => [name, column]));
  }

  /** Forgets the rows and makes room for so many. Arrays handed out before belong to the past batch. */
  reset(capacity: number): void {
    this.count = 0;
    this.gaps = 0;
    this.unknownFields = 0;
    this.devices = [];
    this.timeTexts = [];
    this.received = [];
    this.truths = [];
    this.gapsByRow = [];
    if (this.#times.length < capacity) {
      this.#times = new BigInt64Array(capacity);
      this.#values = new Float64Array(capacity * this.#stream.fields.length);
    }
  }

  /** The rows so far, columns in the stream's order. Views, valid until the next {@link reset}. */
  rows(): Rows {
    const width = this.#stream.fields.length;
    return {
      count: this.count,
      width,
      values: this.#values.subarray(0, this.count * width),
      devices: this.devices,
      times: this.#times.subarray(0, this.count),
    };
  }

  /** Adds a record of the readings topic as a row, or returns why it is none. Checked against the schema of a reading by a test. */
  add(bytes: Uint8Array): Refusal | undefined {
    const reading = decodeReadingFrame(bytes);
    if (typeof reading === 'string') return dead(reading);
    const { stream, device, time, values, truth, received } = reading;
    if (stream !== this.#stream.name) return foreign;
    const nanos = BigInt(time);
    if (BigInt.asIntN(64, nanos) !== nanos) return dead(mismatch('time', time, 'nanoseconds that fit into 64 bits'));
    const fault = this.#fillRow(values);
    if (fault !== undefined) return dead(fault);
    this.#times[this.count] = nanos;
    this.devices.push(device);
    this.timeTexts.push(time);
    this.received.push(received);
    this.truths.push(truth);
    this.count += 1;
    return undefined;
  }

  /** @returns why the values make no row */
  #fillRow(values: ReadingFrame['values']): string | undefined {
    const fields = this.#stream.fields;
    const start = this.count * fields.length;
    const row = this.#values.fill(Number.NaN, start, start + fields.length);
    let expected = 0;
    let present = 0;
    let unknown = 0;
    for (const name in values) {
      const value = values[name];
      // Senders mostly keep the stream's order, so the next field is tried before the map.
      const column = fields[expected] === name ? expected : this.#columns.get(name);
      expected += 1;
      if (value === null) continue;
      if (typeof value !== 'number' || !Number.isFinite(value)) return valueFault(name, value);
      if (column === undefined) unknown += 1;
      else {
        row[start + column] = value;
        present += 1;
      }
    }
    this.unknownFields += unknown;
    this.gaps += fields.length - present;
    this.gapsByRow.push(fields.length - present);
    return undefined;
  }
}
