import { elementAt } from '../core/numeric/element.ts';
import { KeyedRandom } from '../core/numeric/random/keyed-random.ts';
import type { GapPattern, Masker } from './gaps/pattern.ts';
import type { Schedule } from './schedule.ts';
import type { DeviceOrder, Source, Track } from './source.ts';

/** Readings made, on their way to the collector. */
export interface RequestBatch {
  /** The readings as NDJSON, in order; one alone is JSON. */
  readonly body: Uint8Array;
  /** The identity of each as JSON: `{"device":…,"time":…}`. */
  readonly identities: readonly string[];
  /** What is told before them, as `POST /facts` takes it, a fact a line; empty where that is nothing. */
  readonly facts: string;
  readonly gaps: number;
  /** Values, missing or not; of many samples, those up to the last that the source has. */
  readonly values: number;
}

/** What all workers of a stream make readings from. */
export interface WorkerContext {
  readonly source: Source;
  readonly order: DeviceOrder;
  readonly pattern: GapPattern;
  readonly schedule: Schedule;
  readonly seed: number;
}

interface MadeReading {
  readonly text: string;
  readonly gaps: number;
  readonly values: number;
}

interface Device {
  readonly track: Track;
  readonly masker: Masker;
}

/**
 * Some of the devices, whose readings are sent one request after the other, so that each device's arrive in order. Readings are
 * functions of seed and index: how many workers there are changes nothing in them.
 */
export class Worker {
  readonly #context: WorkerContext;
  /** The positions in the round at which its devices report. */
  readonly #positions: Int32Array;
  readonly #devices = new Map<number, Device>();
  readonly #random = new KeyedRandom();
  readonly #row: Float64Array;
  readonly #keys: readonly string[];
  readonly #names: readonly string[];
  #made: number;

  /** @param made - how many readings of this worker were made before */
  constructor(context: WorkerContext, positions: Int32Array, made: number) {
    this.#context = context;
    this.#positions = positions;
    this.#made = made;
    this.#row = new Float64Array(context.source.fields.length);
    this.#keys = context.source.fields.map((name, at) => `${at === 0 ? '' : ','}${JSON.stringify(name)}:`);
    this.#names = context.source.devices.map((name) => JSON.stringify(name));
  }

  /** How many readings of this worker were made. */
  get made(): number {
    return this.#made;
  }

  /** The index of the worker's reading that comes `ahead` after the next one. */
  peek(ahead = 0): number {
    return indexOfNth(this.#positions, this.#context.source.round.length, this.#made + ahead);
  }

  /** Makes the next readings. */
  take(count: number): RequestBatch {
    // Each line is made into bytes by itself: a string of all lines would first have to be flattened, at half the cost of the rest.
    const lines: Buffer[] = [];
    const identities: string[] = [];
    let facts = '';
    const counts = { gaps: 0, values: 0 };
    for (let taken = 0; taken < count; taken++) {
      const index = this.peek();
      const device = this.#context.order.deviceOf(index);
      const made = this.#context.source.samples ? this.#samples(index, device) : this.#reading(index, device);
      counts.gaps += made.gaps;
      counts.values += made.values;
      facts += this.#factsBefore(index, device);
      const identity = `"device":${this.#names[device]},"time":"${this.#context.schedule.timeNs(index)}"`;
      lines.push(Buffer.from(`${taken === 0 ? '' : '\n'}{${identity}${made.text}}`));
      identities.push(`{${identity}}`);
      this.#made += 1;
    }
    return { body: Buffer.concat(lines), identities, facts, ...counts };
  }

  #factsBefore(index: number, device: number): string {
    const { source, order, schedule } = this.#context;
    if (!source.facts) return '';
    const n = order.numberOf(index);
    const since = n === 0 ? undefined : schedule.timeNs(order.indexOf(device, n - 1));
    const told = source.facts(device, since, schedule.timeNs(index));
    return told.map((fact) => `${JSON.stringify(fact)}\n`).join('');
  }

  /** The text of a reading behind its identity. */
  #reading(index: number, device: number): MadeReading {
    const n = this.#context.order.numberOf(index);
    const open = this.#deviceAt(device, n);
    const truth = open.track.next(this.#row, this.#context.schedule.timeNs(index));
    this.#mask(open, device, n, index);
    let gaps = 0;
    let text = ',"values":{';
    for (let field = 0; field < this.#row.length; field++) {
      const value = this.#row[field]!;
      const gap = Number.isNaN(value);
      if (gap) gaps += 1;
      text += this.#keys[field]! + (gap ? 'null' : value);
    }
    return { text: `${text}}${labelText(truth)}${this.#endText(device, n)}`, gaps, values: this.#row.length };
  }

  /** The same of a record of many samples. An array ends with the last sample that the source has, masked or not; the first holds all. */
  #samples(index: number, device: number): MadeReading {
    const { count, rate } = samplesOf(this.#context.source);
    const first = this.#context.order.numberOf(index) * count;
    const open = this.#deviceAt(device, first);
    const arrays = this.#keys.map((): string[] => []);
    const lengths = this.#keys.map(() => 0);
    let truth: string | undefined;
    for (let sample = 0; sample < count; sample++) {
      truth = open.track.next(this.#row, this.#context.schedule.timeNs(index));
      for (const [field, value] of this.#row.entries()) if (!Number.isNaN(value)) lengths[field] = sample + 1;
      this.#mask(open, device, first + sample, index);
      for (const [field, array] of arrays.entries()) {
        const value = this.#row[field] ?? Number.NaN;
        array.push(Number.isNaN(value) ? 'null' : String(value));
      }
    }
    const counts = { gaps: 0, values: 0 };
    const texts = arrays.map((array, field) => {
      array.length = field === 0 ? count : (lengths[field] ?? 0);
      counts.values += array.length;
      for (const value of array) if (value === 'null') counts.gaps += 1;
      return `${this.#keys[field]}[${array.join(',')}]`;
    });
    const tail = labelText(truth) + this.#endText(device, first / count);
    return { text: `,"rate":${rate},"values":{${texts.join('')}}${tail}`, ...counts };
  }

  /** How the n-th reading of a device says that it ends its segment. */
  #endText(device: number, n: number): string {
    return this.#context.source.ends?.(device, n) ? ',"endsSegment":true' : '';
  }

  #deviceAt(device: number, n: number): Device {
    const known = this.#devices.get(device);
    if (known) return known;
    const open = this.#open(device, n);
    this.#devices.set(device, open);
    return open;
  }

  /** @param n - of the reading within the device, or of the sample */
  #mask({ masker }: Device, device: number, n: number, index: number): void {
    const { schedule, seed } = this.#context;
    masker.mask(this.#row, n, schedule.gapRate(index), this.#random.at(seed, device, n));
  }

  /** Brings a device to where its n-th reading is next: what its gaps depend on is replayed. */
  #open(device: number, n: number): Device {
    const { source, order, pattern, schedule, seed } = this.#context;
    const masker = pattern.open();
    const since = pattern.memory === 0 ? n : n - (n % pattern.memory);
    for (let past = since; past < n; past++) {
      const rate = schedule.gapRate(order.indexOf(device, Math.floor(past / (source.samples?.count ?? 1))));
      masker.mask(this.#row, past, rate, this.#random.at(seed, device, past));
    }
    return { track: source.open(device, n), masker };
  }
}

const labelText = (truth: string | undefined): string =>
  truth === undefined ? '' : `,"truth":${JSON.stringify(truth)}`;

/** One sample a reading where the source does not state another number. */
const samplesOf = ({ samples }: Source) => samples ?? { count: 1, rate: 1 };

/** The index of a worker's reading, counted from 0 within the worker. */
export function indexOfNth(positions: Int32Array, roundLength: number, made: number): number {
  return Math.floor(made / positions.length) * roundLength + elementAt(positions, made % positions.length);
}

/** The positions in the round of each worker: devices are dealt to workers in turn. */
export function dealToWorkers({ round }: Source, workers: number): Int32Array[] {
  return Array.from({ length: workers }, (_, worker) => {
    const positions = Array.from(round, (device, position) => (device % workers === worker ? position : -1));
    return Int32Array.from(positions.filter((position) => position >= 0));
  });
}

/** How many of a worker's readings lie before an index. */
export function madeBefore(positions: Int32Array, roundLength: number, index: number): number {
  const position = index % roundLength;
  const inRound = positions.findIndex((own) => own >= position);
  return Math.floor(index / roundLength) * positions.length + (inRound < 0 ? positions.length : inRound);
}
