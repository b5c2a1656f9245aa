import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fitImputer, type ImputerSpec, openImputer } from '../../core/model/impute/fitted.ts';
import type { Rows } from '../../core/model/rows.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import type { PythonPeer } from '../peers.ts';

/** What is filled, without its gaps, and how long that took. */
interface Filled {
  readonly values: Float64Array;
  readonly seconds: number;
}

export interface Way {
  readonly name: string;
  fill(rows: Rows): Promise<Filled>;
}

const dayMs = 86_400_000;

const ours = (name: string, spec: ImputerSpec): Way => ({
  name,
  async fill(rows) {
    const startedMs = performance.now();
    const session = openImputer(fitImputer(rows, spec)).open();
    const values = new Float64Array(rows.values.length);
    // An hour of all stays at a time, as a line would see them: what comes later fills nothing.
    const hours = Map.groupBy(rows.devices.keys(), (row) => rows.times[row]);
    for (const [, picked] of [...hours].sort(([a = 0n], [b = 0n]) => (a < b ? -1 : 1))) {
      const part = pick(rows, picked);
      const into = new Float64Array(part.values.length);
      session.fill(part, into)?.();
      for (const [at, row] of picked.entries())
        values.set(into.subarray(at * rows.width, (at + 1) * rows.width), row * rows.width);
    }
    return { values, seconds: (performance.now() - startedMs) / 1_000 };
  },
});

function pick({ width, values, devices, times }: Rows, picked: readonly number[]): Rows {
  const own = new Float64Array(picked.length * width);
  for (const [at, row] of picked.entries()) own.set(values.subarray(row * width, (row + 1) * width), at * width);
  return {
    ...{ count: picked.length, width, values: own },
    devices: picked.map((row) => devices[row] ?? ''),
    times: BigInt64Array.from(picked, (row) => times[row] ?? 0n),
  };
}

const theirs = (name: string, method: string, peer: PythonPeer, folder: string): Way => ({
  name,
  async fill(rows) {
    const [from, to] = [join(folder, 'masked.bin'), join(folder, 'filled.bin')];
    writeFileSync(from, new Uint8Array(rows.values.buffer, rows.values.byteOffset, rows.values.byteLength));
    const startedMs = performance.now();
    await peer.ask({ do: 'impute', method, from, to, width: rows.width });
    const bytes = readFileSync(to);
    const seconds = (performance.now() - startedMs) / 1_000;
    return { values: new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), seconds };
  },
});

export const waysOf = (peer: PythonPeer, folder: string): readonly Way[] => [
  ours('Gapline: mean', { kind: 'mean' }),
  ours('Gapline: last value, at most a day old', { kind: 'last', maxAgeMs: dayMs }),
  ours('Gapline: gaussian (conditional mean)', { kind: 'gaussian', transform: 'none' }),
  ours('Gapline: gaussian, quantile', { kind: 'gaussian', transform: 'quantile' }),
  theirs('imputegap: mean_impute_by_series', 'mean', peer, folder),
  theirs('imputegap: MICE', 'mice', peer, folder),
];

/** Takes a share of what was measured away. The places are those of the values. */
export function mask(rows: Rows, share: number, seed: number): { readonly masked: Rows; readonly places: number[] } {
  const random = mulberry32(seed);
  const values = rows.values.slice();
  const places: number[] = [];
  for (const [at, value] of values.entries()) {
    if (Number.isNaN(value) || random() >= share) continue;
    values[at] = Number.NaN;
    places.push(at);
  }
  return { masked: { ...rows, values }, places };
}

/** Mean absolute error at the masked places, in standard deviations of the columns, so that no column counts for more than another. */
export function errorOf(truth: Rows, filled: Float64Array, places: readonly number[]): number {
  const spread = spreadsOf(truth);
  let sum = 0;
  for (const at of places)
    sum += Math.abs((filled[at] ?? Number.NaN) - (truth.values[at] ?? 0)) / (spread[at % truth.width] ?? 1);
  return sum / places.length;
}

function spreadsOf({ width, values }: Rows): number[] {
  return Array.from({ length: width }, (_, column) => {
    const own = values.filter((value, at) => at % width === column && !Number.isNaN(value));
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    return Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (own.length - 1));
  });
}
