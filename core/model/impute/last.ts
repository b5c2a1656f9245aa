import { StateReader, StateWriter } from '../../steps/state.ts';
import type { Rows } from '../rows.ts';
import type { Imputer, ImputerSession } from './imputer.ts';
import type { Memory as SavedMemory } from './memory.ts';

const nanosecondsPerMs = 1_000_000n;

/** The newest value of each column that one device sent, and when it was measured. */
interface Memory {
  /** NaN where nothing is known. */
  readonly values: Float64Array;
  readonly times: BigInt64Array;
}

export interface LastOptions {
  /** Stands in where nothing is remembered, by column. */
  readonly fill: readonly number[];
  /** An older value is not used, in milliseconds between the two times of measuring. */
  readonly maxAgeMs: number;
  /** A session remembers at most so many; the device that was silent longest is forgotten first. Default one million. */
  readonly maxValues?: number;
}

/**
 * Fills a gap with the last value that the same device measured, if that is at most `maxAgeMs` older; else with the column's mean.
 * Of a device's readings the newest counts, whatever the order of arrival; a late reading is not filled from its future.
 */
export function openLast(options: LastOptions): Imputer {
  return { memoryMs: options.maxAgeMs, draws: 0, open: () => new LastSession(options) };
}

class LastSession implements ImputerSession {
  readonly #fallback: Float64Array;
  readonly #maxAgeNs: bigint;
  readonly #maxDevices: number;
  /** By device, the one that was heard longest ago first. */
  #committed = new Map<string, Memory>();

  constructor({ fill, maxAgeMs, maxValues = 1_000_000 }: LastOptions) {
    this.#fallback = Float64Array.from(fill);
    this.#maxAgeNs = BigInt(Math.round(maxAgeMs)) * nanosecondsPerMs;
    this.#maxDevices = Math.max(1, Math.floor(maxValues / fill.length));
  }

  readonly memory: SavedMemory = { save: () => this.#save(), load: (bytes) => this.#load(bytes) };

  /** By device, the one that was heard longest ago first. */
  #save(): Uint8Array {
    const width = this.#fallback.length;
    const writer = new StateWriter();
    writer.number(width);
    writer.number(this.#committed.size);
    for (const [device, { values, times }] of this.#committed) {
      writer.text(device);
      writer.numbers(values, 0, width);
      // The same 64 bits.
      writer.numbers(new Float64Array(times.buffer, times.byteOffset, width), 0, width);
    }
    return writer.finish();
  }

  #load(bytes: Uint8Array): void {
    const reader = new StateReader(bytes);
    const width = this.#fallback.length;
    if (reader.number() !== width) throw new RangeError('the memory is one of other fields');
    const committed = new Map<string, Memory>();
    for (let left = reader.count(reader.left); left > 0; left--) {
      const device = reader.text();
      const values = reader.numbers(width);
      committed.set(device, { values, times: new BigInt64Array(reader.numbers(width).buffer) });
    }
    reader.end();
    this.#committed = committed;
  }

  fill(rows: Rows, into: Float64Array): () => void {
    // Rows of one batch see those before them, yet nothing is remembered until the batch is committed.
    const pending = new Map<string, Memory>();
    for (let row = 0; row < rows.count; row++) {
      const memory = this.#pendingMemory(pending, rows.devices[row]!);
      this.#fillRow(rows, row, memory, into);
      remember(rows, row, memory);
    }
    return () => this.#keep(pending);
  }

  draw(rows: Rows, _number: number, into: Float64Array): void {
    this.fill(rows, into);
  }

  warm(rows: Rows): void {
    const pending = new Map<string, Memory>();
    for (let row = 0; row < rows.count; row++) {
      remember(rows, row, this.#pendingMemory(pending, rows.devices[row]!));
    }
    this.#keep(pending);
  }

  #pendingMemory(pending: Map<string, Memory>, device: string): Memory {
    const known = pending.get(device);
    if (known) return known;
    const before = this.#committed.get(device);
    const width = this.#fallback.length;
    const memory = before
      ? { values: before.values.slice(), times: before.times.slice() }
      : { values: new Float64Array(width).fill(Number.NaN), times: new BigInt64Array(width) };
    pending.set(device, memory);
    return memory;
  }

  #fillRow({ values, times }: Rows, row: number, memory: Memory, into: Float64Array): void {
    const width = this.#fallback.length;
    const time = times[row]!;
    for (let column = 0, at = row * width; column < width; column++, at++) {
      const value = values[at]!;
      if (!Number.isNaN(value)) {
        into[at] = value;
        continue;
      }
      const last = memory.values[column]!;
      const age = time - memory.times[column]!;
      const usable = !Number.isNaN(last) && age >= 0n && age <= this.#maxAgeNs;
      into[at] = usable ? last : this.#fallback[column]!;
    }
  }

  #keep(pending: Map<string, Memory>): void {
    for (const [device, memory] of pending) {
      this.#committed.delete(device);
      this.#committed.set(device, memory);
    }
    for (const device of this.#committed.keys()) {
      if (this.#committed.size <= this.#maxDevices) break;
      this.#committed.delete(device);
    }
  }
}

function remember({ values, times, width }: Rows, row: number, memory: Memory): void {
  const time = times[row]!;
  for (let column = 0, at = row * width; column < width; column++, at++) {
    const value = values[at]!;
    if (Number.isNaN(value)) continue;
    if (!Number.isNaN(memory.values[column]!) && memory.times[column]! > time) continue;
    memory.values[column] = value;
    memory.times[column] = time;
  }
}
