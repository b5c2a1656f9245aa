import type { LogRecord } from '../core/log/port.ts';
import type { LongInput } from '../core/wire/long-input.ts';
import type { Reading } from '../core/wire/reading.ts';
import type { ReadingInput } from '../core/wire/reading-input.ts';
import type { SamplesInput } from '../core/wire/samples-input.ts';

/** The record of a reading, keyed by its device. */
export function recordOf(reading: Reading): LogRecord {
  return { key: reading.device, value: Buffer.from(JSON.stringify(reading)) };
}

/** Makes log records of the readings of one request, and finds identities that occur twice. */
export class ReadingRecords {
  readonly records: LogRecord[] = [];
  readonly #stream: string;
  readonly #received: string;
  readonly #identities = new Map<string, string>();
  #first: { identity: string; at: string } | undefined;

  constructor(stream: string, received: string) {
    this.#stream = stream;
    this.#received = received;
  }

  /** Adds a reading. Returns where in the request its identity occurred before; that is a fault. */
  add(reading: ReadingInput | LongInput, at: string): string | undefined {
    const { device, time, values, truth, endsSegment } = reading;
    // A reading in long form is one of several of its time; with one in wide form of the same time it is put together by `pivot`.
    const part = 'parameter' in reading ? `\n${reading.parameter}` : '';
    const before = this.#seenAt(`${device}\n${time}${part}`, at);
    if (before !== undefined) return before;
    const known = { device, time, values, truth, endsSegment };
    this.records.push(recordOf({ stream: this.#stream, ...known, received: this.#received }));
    return undefined;
  }

  /** Adds many samples as one record, as they came. Returns what {@link add} returns. */
  addSamples({ device, time, rate, values, truth, endsSegment }: SamplesInput, at: string): string | undefined {
    const before = this.#seenAt(`${device}\n${time}`, at);
    if (before !== undefined) return before;
    const known = { device, time, rate, values, truth, endsSegment };
    const text = JSON.stringify({ stream: this.#stream, ...known, received: this.#received });
    this.records.push({ key: device, value: Buffer.from(text) });
    return undefined;
  }

  /** A request with one reading, the most common kind, needs no map. */
  #seenAt(identity: string, at: string): string | undefined {
    if (this.#first === undefined) {
      this.#first = { identity, at };
      return undefined;
    }
    if (this.#identities.size === 0) this.#identities.set(this.#first.identity, this.#first.at);
    const before = this.#identities.get(identity);
    if (before === undefined) this.#identities.set(identity, at);
    return before;
  }
}
