import { createHash } from 'node:crypto';
import { type Categories, type Dataset, segmentEnd, truthOf } from '../core/dataset/dataset.ts';
import { elementAt } from '../core/numeric/element.ts';
import { KeyedRandom, permutation } from '../core/numeric/random/keyed-random.ts';
import type { Source } from './source.ts';

export interface ReplayOptions {
  readonly dataset: Dataset;
  /** How many devices take turns; where the data set names them, its own are used. */
  readonly devices: number;
  /** Decides the order of rows that have neither device nor time. */
  readonly seed: number;
}

/** Smallest distance between two readings, in mean spacings. */
const leastStep = 0.01;
/** The stream of random numbers that orders rows; devices have those from 0 on. */
const orderStream = -1;

/**
 * Replays a data set. Rows with a device column keep their device; the others are dealt to `devices` devices in turn. Rows with a
 * time column are sent in its order, their pauses in proportion; rows with neither are shuffled anew for each pass, because files
 * are often sorted by label.
 */
export function replay({ dataset, devices: count, seed }: ReplayOptions): Source {
  const { rows, step } = timeline(dataset);
  const own = dataset.devices && devicesOf(dataset.devices, rows);
  const devices = own?.names ?? deviceNames(count);
  const round = own?.round ?? Int32Array.from({ length: count }, (_, device) => device);
  const shuffled = !dataset.devices && !dataset.times;
  const orders = createOrders(dataset.count, seed);
  const rowAt = (device: number, n: number): number => {
    const mine = own?.rows[device];
    if (mine) return elementAt(mine, n % mine.length);
    const index = n * count + device;
    const position = index % dataset.count;
    return shuffled ? elementAt(orders(Math.floor(index / dataset.count)), position) : elementAt(rows, position);
  };

  return {
    fields: dataset.fields,
    devices,
    round,
    length: dataset.count,
    fingerprint: fingerprintOf(dataset, devices),
    open(device, from) {
      let n = from;
      return {
        next(values) {
          const row = rowAt(device, n++);
          values.set(dataset.values.subarray(row * dataset.width, (row + 1) * dataset.width));
          return truthOf(dataset, row);
        },
      };
    },
    ...(step && { step }),
    ...(dataset.segments && { ends: (device, n) => dataset.segments?.[rowAt(device, n)] === segmentEnd }),
    distribution: (field) =>
      Float64Array.from(rows, (row) => elementAt(dataset.values, row * dataset.width + field))
        .filter((value) => !Number.isNaN(value))
        .sort(),
  };
}

/** The data set's own devices in the order of their first rows, who speaks when, and the rows of each. */
function devicesOf({ names, index }: Categories, order: Int32Array) {
  const devices = new Map<number, { index: number; rows: number[] }>();
  const round = order.map((row) => {
    const name = elementAt(index, row);
    const device = devices.get(name) ?? { index: devices.size, rows: [] };
    devices.set(name, device);
    device.rows.push(row);
    return device.index;
  });
  return {
    names: [...devices.keys()].map((name) => elementAt(names, name)),
    round,
    rows: [...devices.values()].map(({ rows }) => rows),
  };
}

function deviceNames(count: number): string[] {
  const digits = String(count).length;
  return Array.from({ length: count }, (_, device) => `device-${String(device + 1).padStart(digits, '0')}`);
}

/** How many rows' order the kept orders may hold together. */
const maxKeptRows = 1_000_000;

/** The order of rows in each pass; the last ones are kept, because devices are not all in the same pass. */
function createOrders(count: number, seed: number): (pass: number) => Int32Array {
  const most = Math.max(4, Math.floor(maxKeptRows / count));
  const kept = new Map<number, Int32Array>();
  return (pass) => {
    let order = kept.get(pass);
    if (!order) {
      order = permutation(count, new KeyedRandom().at(seed, orderStream, pass));
      const [oldest] = kept.keys();
      if (oldest !== undefined && kept.size >= most) kept.delete(oldest);
      kept.set(pass, order);
    }
    return order;
  };
}

/** The rows in the order of their times, and when each is due. */
function timeline(dataset: Dataset): { rows: Int32Array; step?: (index: number) => number } {
  const { times } = dataset;
  const rows = Int32Array.from({ length: dataset.count }, (_, row) => row);
  if (!times) return { rows };
  rows.sort((a, b) =>
    elementAt(times, a) < elementAt(times, b) ? -1 : elementAt(times, a) > elementAt(times, b) ? 1 : 0,
  );
  const first = elementAt(times, elementAt(rows, 0));
  const sinceFirst = Float64Array.from(rows, (row) => Number(elementAt(times, row) - first));
  const spanNs = Math.max(0, ...sinceFirst.slice(-1));
  let last = -leastStep;
  const steps = sinceFirst.map((ns, position) => {
    const proportional = spanNs === 0 ? position : (ns / spanNs) * (dataset.count - 1);
    last = position === 0 ? 0 : Math.max(proportional, last + leastStep);
    return last;
  });
  const passSteps = Math.max(dataset.count, last + 1);
  return {
    rows,
    step: (index) => Math.floor(index / dataset.count) * passSteps + elementAt(steps, index % dataset.count),
  };
}

function fingerprintOf({ fields, classes, values, labels, times }: Dataset, devices: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([fields, classes, devices]));
  for (const part of [labels, values, ...(times ? [times] : [])])
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest('hex');
}
