import { elementAt } from '../numeric/element.ts';
import { mulberry32, shuffle } from '../numeric/random/mulberry32.ts';
import type { Split } from './split.ts';

/** Rows that are alike where they come from one device, or from times that lie close. */
export interface GroupedRows {
  /** By row: class, -1 where unknown. */
  readonly labels: Int32Array;
  /** By row, an index. */
  readonly devices: Int32Array;
  /** By row, nanoseconds since the epoch. */
  readonly times: BigInt64Array;
  /** Rows that are no further apart may share samples: the length of a window. */
  readonly marginNs: number;
}

export interface GroupedSplit extends Split {
  /** `device`: no device is in both parts. `time`: the test rows of each device come later, by at least the margin. */
  readonly by: 'device' | 'time';
}

/**
 * Splits rows without leakage: by device where each label has two devices or more, so that each label is in both parts; else by
 * time, the last rows of each device and label for the test, and what lies within a margin of them in neither part.
 * @param fraction - the share that goes to `train`, in (0, 1)
 */
export function groupedSplit(rows: GroupedRows, { fraction, seed }: { fraction: number; seed: number }): GroupedSplit {
  const byLabel = Map.groupBy(mainLabels(rows), ([, label]) => label);
  const enough = [...byLabel.values()].every((devices) => devices.length >= 2);
  const labels = new Set(rows.labels);
  const isMain = [...labels].every((label) => byLabel.has(label));
  return enough && isMain ? splitByDevice(rows, byLabel, fraction, seed) : splitByTime(rows, fraction);
}

/** Of each device, the label that most of its rows have. */
export function mainLabels({
  labels,
  devices,
}: Pick<GroupedRows, 'labels' | 'devices'>): [device: number, label: number][] {
  const counts = new Map<number, Map<number, number>>();
  for (const [row, device] of devices.entries()) {
    const own = counts.get(device) ?? new Map<number, number>();
    counts.set(device, own);
    const label = elementAt(labels, row);
    own.set(label, (own.get(label) ?? 0) + 1);
  }
  return [...counts].map(([device, own]) => [device, [...own].reduce((a, b) => (b[1] > a[1] ? b : a))[0]]);
}

function splitByDevice(
  { devices }: GroupedRows,
  byLabel: Map<number, [device: number, label: number][]>,
  fraction: number,
  seed: number,
): GroupedSplit {
  const random = mulberry32(seed);
  const chosen = new Set<number>();
  for (const [, own] of [...byLabel].sort(([a], [b]) => a - b)) {
    const order = Int32Array.from(own, ([device]) => device).sort();
    shuffle(order, random);
    const taken = Math.min(Math.max(Math.round(order.length * fraction), 1), order.length - 1);
    for (const device of order.subarray(0, taken)) chosen.add(device);
  }
  const parts = Map.groupBy(devices.keys(), (row) => chosen.has(elementAt(devices, row)));
  return {
    by: 'device',
    train: Int32Array.from(parts.get(true) ?? []),
    test: Int32Array.from(parts.get(false) ?? []),
  };
}

function splitByTime({ labels, devices, times, marginNs }: GroupedRows, fraction: number): GroupedSplit {
  const train: number[] = [];
  const test: number[] = [];
  const timeOf = (row: number): bigint => elementAt(times, row);
  const margin = BigInt(Math.ceil(marginNs));
  for (const own of Map.groupBy(times.keys(), (row) => `${devices[row]} ${labels[row]}`).values()) {
    own.sort((a, b) => Number(timeOf(a) - timeOf(b)) || a - b);
    const cut = Math.min(Math.max(Math.round(own.length * fraction), 1), own.length - 1);
    const boundary = own[cut];
    for (const [at, row] of own.entries()) {
      if (boundary === undefined || at >= cut) test.push(row);
      else if (timeOf(boundary) - timeOf(row) >= margin) train.push(row);
    }
  }
  return { by: 'time', train: Int32Array.from(train).sort(), test: Int32Array.from(test).sort() };
}
