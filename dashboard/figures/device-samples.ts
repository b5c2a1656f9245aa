import { isSamples } from '../../core/wire/decode-samples.ts';
import type { Reading } from '../../core/wire/reading.ts';
import { sampleOffsetNs } from '../../core/wire/sample-offset.ts';
import { type Samples, sampleCount } from '../../core/wire/samples.ts';
import type { Segments } from '../../core/wire/stream.ts';
import type { SeenPrediction } from './records.ts';

/** Values of one device that are kept at most: two records of the largest size. */
const mostValues = 65_536;
/** A record weighs so many values more than it holds, for what stands around them. */
const overhead = 16;
/** Windows of one device that are remembered: a label may be read before the last of its samples. */
const mostWindows = 4;

/** A prediction whose reading was a window. */
export type SeenWindow = SeenPrediction & {
  readonly from: string;
  readonly samples: number;
  /** Whether it is all of one reading, and nothing of those that lie over the same time. */
  readonly isSegment?: true;
};

export const isWindow = (prediction: SeenPrediction): prediction is SeenWindow =>
  prediction.from !== undefined && prediction.samples !== undefined;

/** The window of a reading that was a whole segment: it begins at its time. */
export function segmentWindow(prediction: SeenPrediction, { length, rate }: Segments): SeenWindow {
  const end = BigInt(prediction.time) + BigInt(sampleOffsetNs(length, rate));
  return { ...prediction, from: prediction.time, time: `${end}`, samples: length, isSegment: true };
}

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
  readonly #segments: Segments | undefined;
  readonly #windows: SeenWindow[] = [];
  #records: HeldRecord[] = [];
  /** What is kept, in values. */
  weight = 0;

  constructor(fields: readonly string[], segments?: Segments) {
    this.#fields = fields;
    this.#segments = segments;
  }

  get windows(): readonly SeenWindow[] {
    return this.#windows;
  }

  get records(): readonly HeldRecord[] {
    return this.#records;
  }

  takeRecord(record: Reading | Samples): void {
    const held = heldOf(record, this.#fields, this.#segments);
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

function heldOf(record: Reading | Samples, fields: readonly string[], segments: Segments | undefined): HeldRecord {
  const ns = BigInt(record.time);
  if (!isSamples(record)) {
    if (segments) return heldSegment(record, ns, fields, segments);
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

function heldSegment({ values }: Reading, ns: bigint, fields: readonly string[], segments: Segments): HeldRecord {
  const { channels, length, rate } = segments;
  const columns = channels.map((_, channel) =>
    Float64Array.from(fields.slice(channel * length, (channel + 1) * length), (name) => numberOf(values[name])),
  );
  return { ns, lastNs: ns + BigInt(sampleOffsetNs(length - 1, rate)), rate, count: length, columns };
}

/** Also right for names such as "constructor", which every object seems to have. */
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
