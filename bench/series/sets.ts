import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementAt } from '../../core/numeric/element.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import type { PythonPeer } from '../peers.ts';

/** Windows of one split, one after the other, each channel after channel; a lost sample is NaN. */
export interface Part {
  readonly values: Float64Array;
  readonly labels: Int32Array;
  readonly count: number;
  /** Where they are for the peer. */
  readonly file: string;
}

export interface SeriesSet {
  readonly name: string;
  readonly channels: number;
  readonly length: number;
  readonly classes: number;
  readonly train: Part;
  readonly test: Part;
}

interface Written {
  readonly channels: number;
  readonly length: number;
  readonly classes: number;
  readonly train: number[];
  readonly test: number[];
}

/** A set of the archive with its first split; the peer's packages bring it along. */
export async function loadSet(peer: PythonPeer, name: string, folder: string): Promise<SeriesSet> {
  const { train, test, ...shape } = await peer.ask<Written>({ do: 'write', name, folder });
  const part = (which: string, labels: readonly number[]): Part => {
    const file = join(folder, `${name}-${which}.f64`);
    const bytes = readFileSync(file);
    const values = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    return { values, labels: Int32Array.from(labels), count: labels.length, file };
  };
  return { name, ...shape, train: part('train', train), test: part('test', test) };
}

export type Losing = 'at random' | 'in bursts';

/** The set with samples lost, all channels of a time together; bursts are a tenth of the window. */
export function withLosses(set: SeriesSet, rate: number, losing: Losing, seed: number): SeriesSet {
  if (rate === 0) return set;
  const random = mulberry32(seed);
  return { ...set, train: lose(set.train), test: lose(set.test) };

  function lose(part: Part): Part {
    const values = part.values.slice();
    for (let row = 0; row < part.count; row++)
      for (const at of lostSamples(set.length, rate, losing, random))
        for (let channel = 0; channel < set.channels; channel++)
          values[(row * set.channels + channel) * set.length + at] = Number.NaN;
    return { ...part, values };
  }
}

function lostSamples(length: number, rate: number, losing: Losing, random: () => number): Set<number> {
  const lost = new Set<number>();
  const burst = losing === 'in bursts' ? Math.max(2, Math.round(length / 10)) : 1;
  while (lost.size < Math.round(rate * length)) {
    const from = Math.floor(random() * length);
    for (let at = from; at < Math.min(length, from + burst) && lost.size < Math.round(rate * length); at++)
      lost.add(at);
  }
  return lost;
}

/** Lines over the gaps of each channel, its first and last value held at the ends: what an estimator without gaps is given. */
export function bridged(set: SeriesSet, fill: (values: Float64Array) => Float64Array, folder: string): SeriesSet {
  const part = (which: 'train' | 'test'): Part => {
    const from = set[which];
    const values = fill(from.values);
    const file = join(folder, `${set.name}-bridged-${which}.f64`);
    writeFileSync(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return { ...from, values, file };
  };
  return { ...set, train: part('train'), test: part('test') };
}

export const accuracyOf = (found: ArrayLike<number>, { labels }: Part): number =>
  labels.reduce((right, label, row) => right + (elementAt(found, row) === label ? 1 : 0), 0) / labels.length;
