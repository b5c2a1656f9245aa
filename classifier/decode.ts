import { isUtf8 } from 'node:buffer';
import type { Rows } from '../core/model/rows.ts';
import type { Stream } from '../core/wire/stream.ts';

/** Why a record gives no row. `dead`: it can never be processed. `skip`: it is sound, but not for this classifier. */
export interface Refusal {
  readonly kind: 'dead' | 'skip';
  readonly reason: string;
}

/** The reason of a skip: the record belongs to another stream that shares the topic. */
export const foreignStream = 'foreign-stream';

const notUtf8: Refusal = { kind: 'dead', reason: 'the record is not UTF-8' };
const foreign: Refusal = { kind: 'skip', reason: foreignStream };
const dead = (reason: string): Refusal => ({ kind: 'dead', reason });

const nanoseconds = /^-?\d{1,19}$/;
const keys = new Set(['stream', 'device', 'time', 'values', 'truth', 'received']);

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
  /** Values whose names the stream does not know. They are ignored, as the line-protocol door ignores them. */
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

  /** Adds a record of the readings topic as a row, or says why it is none. Equal to the schema of a reading (tested). */
  add(bytes: Uint8Array): Refusal | undefined {
    if (!isUtf8(bytes)) return notUtf8;
    let parsed: unknown;
    try {
      parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    } catch (error) {
      return dead(`the record is not JSON: ${(error as Error).message}`);
    }
    if (!isObject(parsed)) return dead(`the record is ${show(parsed)}; expected an object`);
    return this.#addReading(parsed);
  }

  #addReading(reading: Record<string, unknown>): Refusal | undefined {
    const { stream, device, time, values, truth, received } = reading;
    if (typeof stream !== 'string' || stream === '') return dead(wrong('stream', stream, 'a name'));
    if (typeof device !== 'string' || device === '') return dead(wrong('device', device, 'a name'));
    if (typeof time !== 'string' || !nanoseconds.test(time))
      return dead(wrong('time', time, 'nanoseconds as a string'));
    if (typeof received !== 'string' || !nanoseconds.test(received))
      return dead(wrong('received', received, 'nanoseconds as a string'));
    if (truth !== undefined && typeof truth !== 'string') return dead(wrong('truth', truth, 'a string'));
    if (!isObject(values)) return dead(wrong('values', values, 'an object'));
    for (const key in reading) if (!keys.has(key)) return dead(`${JSON.stringify(key)} is not a key of a reading`);
    if (stream !== this.#stream.name) return foreign;
    const nanos = BigInt(time);
    if (BigInt.asIntN(64, nanos) !== nanos) return dead(wrong('time', time, 'nanoseconds that fit into 64 bits'));
    const refusal = this.#fillRow(values);
    if (refusal) return refusal;
    this.#times[this.count] = nanos;
    this.devices.push(device);
    this.timeTexts.push(time);
    this.received.push(received);
    this.truths.push(truth);
    this.count += 1;
    return undefined;
  }

  #fillRow(values: Record<string, unknown>): Refusal | undefined {
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
      if (typeof value !== 'number' || !Number.isFinite(value))
        return dead(wrong(`values[${JSON.stringify(name)}]`, value, 'a finite number or null'));
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

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const wrong = (where: string, found: unknown, expected: string): string =>
  `${where}: found ${show(found)}; expected ${expected}`;
