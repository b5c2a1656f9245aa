import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { elementAt } from '../../core/numeric/element.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';

const data = resolve(import.meta.dirname, '../../examples/spambase/data');
/** How many devices speak in turn. */
export const devices = 20;
/** At 50 readings a second. */
export const stepMs = 20;

export interface BenchReading {
  readonly device: string;
  readonly time: string;
  readonly values: Readonly<Record<string, number | null>>;
  readonly truth: string;
}

/** Readings one after the other: all rows of the example in a random order, each value missing with 10 %. */
export class BenchReadings {
  readonly names: readonly string[];
  readonly random = mulberry32(1);
  readonly #rows: readonly (readonly string[])[];
  readonly #firstMs: number;
  #made = 0;

  /** @param firstMs - the time of the first one, in milliseconds since the epoch */
  constructor(firstMs: number) {
    const tables = ['train.csv', 'test.csv'].map((name) => readFileSync(join(data, name), 'utf8').trim().split('\n'));
    this.names = elementAt(elementAt(tables, 0), 0).split(',').slice(0, -1);
    this.#rows = tables.flatMap((lines) => lines.slice(1).map((line) => line.split(',')));
    this.#firstMs = firstMs;
  }

  next(): BenchReading {
    const { names, random } = this;
    const cells = elementAt(this.#rows, Math.floor(random() * this.#rows.length));
    const values = Object.fromEntries(names.map((name, at) => [name, random() < 0.1 ? null : Number(cells[at])]));
    const number = this.#made++;
    // Devices do not speak on the millisecond.
    const time = `${this.#firstMs + number * stepMs + Math.floor(random() * stepMs)}000000`;
    return { device: `device-${String(number % devices).padStart(2, '0')}`, time, values, truth: cells.at(-1) ?? '' };
  }
}
