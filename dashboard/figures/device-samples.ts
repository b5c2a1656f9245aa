import { isSamples } from '../../core/wire/decode-samples.ts';
import type { Reading } from '../../core/wire/reading.ts';
import { type Samples, sampleCount, sampleOffsetNs } from '../../core/wire/samples.ts';
import type { SeenPrediction } from './records.ts';

/** Values of one device that are kept at most: two records of the largest size. */
const mostValues = 65_536;
/** A record weighs so many values more than it holds, for what stands around them. */
const overhead = 16;
/** Windows of one device that are remembered: a label may be read before the last of its samples. */
const mostWindows = 4;

/** A prediction whose reading was a window. */
export type SeenWindow = SeenPrediction & { readonly from: string; readonly samples: number };

export const isWindow = (prediction: SeenPrediction): prediction is SeenWindow =>
  prediction.from !== undefined && prediction.samples !== undefined;

/** What one device sent at once: by field a column, which may be shorter than `count`. */
export interface HeldRecord {
  readonly ns: bigint;
  readonly lastNs: bigint;
  /** Samples a second; undefined of a reading. */
  readonly rate: number | undefined;
  readonly count: number;
  readonly columns: readonly ArrayLike<number>[];
}

/** The newest records of one device, as far back as its last windows go and the bound allows. */
export class DeviceSamples {
  readonly #fields: readonly string[];
  readonly #windows: SeenWindow[] = [];
  #records: HeldRecord[] = [];
  /** What is kept, in values. */
  weight = 0;

  constructor(fields: readonly string[]) {
    this.#fields = fields;
  }

  get windows(): readonly SeenWindow[] {
    return this.#windows;
  }

  get records(): readonly HeldRecord[] {
    return this.#records;
  }

  takeRecord(record: Reading | Samples): void {
    const held = heldOf(record, this.#fields);
    this.#records.push(held);
    this.weight += weightOf(held);
    while (this.weight > mostValues && this.#records.length > 1) this.#dropFirst();
  }

  takeWindow(window: SeenWindow): void {
    this.#windows.push(window);
    if (this.#windows.length > mostWindows) this.#windows.shift();
    const [first = window] = this.#windows;
    const from = BigInt(first.from);
    const [oldest] = this.#records;
    if (oldest === undefined || oldest.lastNs >= from) return;
    this.#records = this.#records.filter(({ lastNs }) => lastNs >= from);
    this.weight = this.#records.reduce((sum, record) => sum + weightOf(record), 0);
  }

  #dropFirst(): void {
    const first = this.#records.shift();
    if (first) this.weight -= weightOf(first);
  }
}

const weightOf = ({ columns }: HeldRecord): number =>
  columns.reduce((sum, column) => sum + column.length, overhead + columns.length);

function heldOf(record: Reading | Samples, fields: readonly string[]): HeldRecord {
  const ns = BigInt(record.time);
  if (!isSamples(record)) {
    const columns = fields.map((name) => [numberOf(record.values[name])]);
    return { ns, lastNs: ns, rate: undefined, count: 1, columns };
  }
  const { rate, values } = record;
  const count = sampleCount(values);
  const columns = fields.map((name) =>
    Float64Array.from(Object.hasOwn(values, name) ? (values[name] ?? []) : [], numberOf),
  );
  return { ns, lastNs: ns + BigInt(sampleOffsetNs(Math.max(0, count - 1), rate)), rate, count, columns };
}

/** Also right for names such as "constructor", which every object seems to have. */
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
