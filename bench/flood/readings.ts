import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { elementAt } from '../../core/numeric/element.ts';

/** What became of a reading. */
export const fate = { unsent: 0, accepted: 1, refused: 2, unknown: 3 } as const;

const rowsFile = resolve(import.meta.dirname, '../../examples/spambase/data/test.csv');
const deviceDigits = 6;

/**
 * Readings of many devices, each at a time of its own: the `n`-th of a device is `n` milliseconds after the first. They travel in batches
 * whose bytes were made before; only the device and the times are written into a copy.
 */
export class Readings {
  /** What the names of the devices begin with. */
  readonly name: string;
  readonly devices: number;
  readonly perDevice: number;
  readonly batch: number;
  readonly #firstMs: number;
  readonly #template: Buffer;
  readonly #deviceAt: readonly number[];
  readonly #timeAt: readonly number[];
  /** By device and number, what became of it. */
  readonly #fates: Uint8Array;

  constructor({
    name,
    devices,
    perDevice,
    batch,
  }: { name: string; devices: number; perDevice: number; batch: number }) {
    this.name = name;
    this.devices = devices;
    this.perDevice = perDevice;
    this.batch = batch;
    this.#fates = new Uint8Array(devices * perDevice);
    this.#firstMs = Date.now() - perDevice;
    const lines = rowsOf(batch).map(
      (values) =>
        `{"device":"${name}-${'0'.repeat(deviceDigits)}","time":"${this.#firstMs}000000","values":${JSON.stringify(values)}}\n`,
    );
    this.#template = Buffer.from(lines.join(''));
    const starts = lines.map((_, index) => lines.slice(0, index).reduce((sum, line) => sum + line.length, 0));
    this.#deviceAt = starts.map((start) => start + `{"device":"${name}-`.length);
    this.#timeAt = this.#deviceAt.map((at) => at + deviceDigits + '","time":"'.length);
  }

  /** A request with the readings of a device from number `first` on. */
  request(device: number, first: number): Buffer {
    const head = `POST /readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${this.#template.length}\r\n\r\n`;
    const bytes = Buffer.allocUnsafe(head.length + this.#template.length);
    bytes.write(head, 'latin1');
    this.#template.copy(bytes, head.length);
    const name = String(device).padStart(deviceDigits, '0');
    for (let line = 0; line < this.batch; line += 1) {
      bytes.write(name, head.length + elementAt(this.#deviceAt, line), 'latin1');
      bytes.write(String(this.#firstMs + first + line), head.length + elementAt(this.#timeAt, line), 'latin1');
    }
    return bytes;
  }

  note(device: number, first: number, what: number): void {
    const from = device * this.perDevice + first;
    this.#fates.fill(what, from, from + this.batch);
  }

  count(what: number): number {
    let count = 0;
    for (const one of this.#fates) if (one === what) count += 1;
    return count;
  }

  /** Compares predictions with the accepted readings, identity by identity. */
  async compare(predictions: AsyncIterable<readonly Uint8Array[]>) {
    const labels = new Uint8Array(this.#fates.length);
    for await (const batch of predictions) {
      for (const value of batch) {
        const index = this.#indexOf(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'));
        if (index !== undefined) labels[index]! += 1;
      }
    }
    const result = { labelled: 0, lost: 0, twice: 0, neverAccepted: 0 };
    this.#fates.forEach((what, index) => {
      const count = elementAt(labels, index);
      if (what === fate.accepted && count === 1) result.labelled += 1;
      if (what === fate.accepted && count === 0) result.lost += 1;
      if (count > 1) result.twice += 1;
      if (count > 0 && (what === fate.refused || what === fate.unsent)) result.neverAccepted += 1;
    });
    return result;
  }

  #indexOf(prediction: string): number | undefined {
    const found = /"device":"(\w+)-(\d+)","time":"(\d+)000000"/.exec(prediction);
    if (found?.[1] !== this.name) return undefined;
    return Number(found[2]) * this.perDevice + Number(found[3]) - this.#firstMs;
  }
}

/** Rows of the example's test data, one value of ten missing. */
function rowsOf(count: number): Record<string, number | null>[] {
  const [header = '', ...lines] = readFileSync(rowsFile, 'utf8').trim().split('\n');
  const names = header.split(',').slice(0, -1);
  const table = lines.map((line) => line.split(','));
  return Array.from({ length: count }, (_, row) => {
    const cells = elementAt(table, row % table.length);
    return Object.fromEntries(
      names.map((name, column) => [name, (row * 7 + column) % 10 === 0 ? null : Number(cells[column])]),
    );
  });
}
