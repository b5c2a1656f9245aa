import { KeyedRandom } from '../core/numeric/random/keyed-random.ts';
import type { GapPattern, Puncher } from './gaps/pattern.ts';
import type { Schedule } from './schedule.ts';
import type { Places, Source, Track } from './source.ts';

/** Readings made, on their way to the collector. */
export interface Parcel {
  /** The readings as NDJSON, in order; one alone is JSON. */
  readonly body: Uint8Array;
  /** The identity of each as JSON: `{"device":…,"time":…}`. */
  readonly identities: readonly string[];
  readonly gaps: number;
}

/** What all lanes of a stream make readings from. */
export interface Making {
  readonly source: Source;
  readonly places: Places;
  readonly pattern: GapPattern;
  readonly schedule: Schedule;
  readonly seed: number;
}

interface Device {
  readonly track: Track;
  readonly puncher: Puncher;
}

/**
 * Some of the devices, whose readings are sent one request after the other, so that each device's arrive in order. Readings are
 * functions of seed and index: how many lanes there are changes nothing in them.
 */
export class Lane {
  readonly #making: Making;
  /** The places in the round at which its devices speak. */
  readonly #positions: Int32Array;
  readonly #devices = new Map<number, Device>();
  readonly #random = new KeyedRandom();
  readonly #row: Float64Array;
  readonly #keys: readonly string[];
  readonly #names: readonly string[];
  #made: number;

  /** @param made - how many readings of this lane were made before */
  constructor(making: Making, positions: Int32Array, made: number) {
    this.#making = making;
    this.#positions = positions;
    this.#made = made;
    this.#row = new Float64Array(making.source.fields.length);
    this.#keys = making.source.fields.map((name, at) => `${at === 0 ? '' : ','}${JSON.stringify(name)}:`);
    this.#names = making.source.devices.map((name) => JSON.stringify(name));
  }

  /** How many readings of this lane were made. */
  get made(): number {
    return this.#made;
  }

  /** The index of the lane's reading that comes `ahead` after the next one. */
  peek(ahead = 0): number {
    return laneIndex(this.#positions, this.#making.source.round.length, this.#made + ahead);
  }

  /** Makes the next readings. */
  take(count: number): Parcel {
    // Each line is made into bytes by itself: a string of all lines would first have to be flattened, at half the cost of the rest.
    const lines: Buffer[] = [];
    const identities: string[] = [];
    let gaps = 0;
    for (let taken = 0; taken < count; taken++) {
      const index = this.peek();
      const device = this.#making.places.deviceOf(index);
      const truth = this.#fillRow(index, device);
      const identity = `"device":${this.#names[device]},"time":"${this.#making.schedule.timeNs(index)}"`;
      let values = '';
      for (let field = 0; field < this.#row.length; field++) {
        const value = this.#row[field]!;
        const gap = Number.isNaN(value);
        if (gap) gaps += 1;
        values += this.#keys[field]! + (gap ? 'null' : value);
      }
      const label = truth === undefined ? '' : `,"truth":${JSON.stringify(truth)}`;
      lines.push(Buffer.from(`${taken === 0 ? '' : '\n'}{${identity},"values":{${values}}${label}}`));
      identities.push(`{${identity}}`);
      this.#made += 1;
    }
    return { body: Buffer.concat(lines), identities, gaps };
  }

  #fillRow(index: number, device: number): string | undefined {
    const { places, schedule, seed } = this.#making;
    const n = places.numberOf(index);
    let open = this.#devices.get(device);
    if (!open) {
      open = this.#open(device, n);
      this.#devices.set(device, open);
    }
    const truth = open.track.next(this.#row);
    open.puncher.punch(this.#row, n, schedule.gapRate(index), this.#random.at(seed, device, n));
    return truth;
  }

  /** Brings a device to where its n-th reading is next: what its gaps depend on is lived through once more. */
  #open(device: number, n: number): Device {
    const { source, places, pattern, schedule, seed } = this.#making;
    const puncher = pattern.open();
    const since = pattern.memory === 0 ? n : n - (n % pattern.memory);
    for (let past = since; past < n; past++) {
      const rate = schedule.gapRate(places.indexOf(device, past));
      puncher.punch(this.#row, past, rate, this.#random.at(seed, device, past));
    }
    return { track: source.open(device, n), puncher };
  }
}

/** The index of a lane's reading, counted from 0 within the lane. */
export function laneIndex(positions: Int32Array, roundLength: number, made: number): number {
  return Math.floor(made / positions.length) * roundLength + positions[made % positions.length]!;
}

/** The positions in the round of each lane: devices are dealt to lanes in turn. */
export function dealLanes({ round }: Source, lanes: number): Int32Array[] {
  const dealt: number[][] = Array.from({ length: lanes }, () => []);
  for (const [position, device] of round.entries()) dealt[device % lanes]!.push(position);
  return dealt.map((positions) => Int32Array.from(positions));
}

/** How many of a lane's readings lie before an index. */
export function madeBefore(positions: Int32Array, roundLength: number, index: number): number {
  const position = index % roundLength;
  const inRound = positions.findIndex((own) => own >= position);
  return Math.floor(index / roundLength) * positions.length + (inRound < 0 ? positions.length : inRound);
}
