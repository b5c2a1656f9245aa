import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PythonPeer } from '../peers.ts';

export interface LabelledMatrix {
  readonly values: Float64Array;
  readonly labels: Int32Array;
  readonly count: number;
}

export interface DataSet {
  readonly name: string;
  readonly width: number;
  readonly classes: number;
  readonly train: LabelledMatrix;
  readonly test: LabelledMatrix;
}

const generated = [
  { name: 'large', train: 100_000, test: 20_000, width: 57, classes: 2, seed: 1 },
  { name: 'generated-2', train: 4_000, test: 10_000, width: 30, classes: 2, seed: 2 },
  { name: 'generated-7', train: 4_000, test: 10_000, width: 40, classes: 7, seed: 3 },
  { name: 'generated-20', train: 4_000, test: 10_000, width: 60, classes: 20, seed: 4 },
];

/** Writes the data sets that both sides read into `folder`: Spambase as the example splits it, and made-up ones. */
export async function makeSets(folder: string, peer: PythonPeer) {
  writeSpambase(folder);
  for (const set of generated) {
    if (!existsSync(join(folder, `${set.name}.json`))) await peer.ask({ do: 'generate', ...set });
  }
  const spambase = readSet(folder, 'spambase');
  const [large, ...others] = generated.map(({ name }) => readSet(folder, name)) as [DataSet, ...DataSet[]];
  return { spambase, large, forAccuracy: [spambase, ...others] };
}

export function readSet(folder: string, name: string): DataSet {
  const { width, classes } = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const read = (part: string): LabelledMatrix => {
    const values = new Float64Array(bytesOf(join(folder, `${name}.${part}.f64`)));
    return {
      values,
      labels: new Int32Array(bytesOf(join(folder, `${name}.${part}.i32`))),
      count: values.length / width,
    };
  };
  return { name, width, classes, train: read('train'), test: read('test') };
}

function bytesOf(file: string): ArrayBuffer {
  return new Uint8Array(readFileSync(file)).buffer;
}

function writeSpambase(folder: string): void {
  const width = 57;
  for (const part of ['train', 'test']) {
    const file = new URL(`../../examples/spambase/data/${part}.csv`, import.meta.url);
    const rows = readFileSync(file, 'utf8')
      .trim()
      .split(/\r?\n/)
      .slice(1)
      .map((line) => line.split(','));
    const values = Float64Array.from(rows.flatMap((row) => row.slice(0, width).map(Number)));
    const labels = Int32Array.from(rows, (row) => (row[width] === 'spam' ? 1 : 0));
    writeFileSync(join(folder, `spambase.${part}.f64`), new Uint8Array(values.buffer));
    writeFileSync(join(folder, `spambase.${part}.i32`), new Uint8Array(labels.buffer));
  }
  writeFileSync(join(folder, 'spambase.json'), JSON.stringify({ width, classes: 2 }));
}
