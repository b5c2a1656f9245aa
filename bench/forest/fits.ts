import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Forest } from '../../core/model/forest/forest.ts';
import { compile } from '../../core/model/forest/layout.ts';
import { predict } from '../../core/model/forest/predict.ts';
import { trainForest } from '../../core/model/forest/train.ts';
import type { PythonPeer } from '../peers.ts';
import { type Comparison, type Cost, comparison, timed } from './comparison.ts';
import type { DataSet, LabelledMatrix } from './sets.ts';

interface Fit {
  readonly set: DataSet;
  readonly trees: number;
  readonly seed: number;
  readonly threads: number;
}

export async function trainOurs({ set, trees, seed, threads }: Fit): Promise<Cost & { forest: Forest }> {
  const { train, width, classes } = set;
  let forest: Forest | undefined;
  const cost = await timed(async () => {
    ({ forest } = await trainForest({ ...train, width, classes, options: { trees, seed }, threads }));
  });
  if (!forest) throw new Error('no forest was trained');
  return { ...cost, forest };
}

/** Fits in turn: scikit-learn, ours in this process, ours in a new one. */
export async function compareFits(options: {
  peer: PythonPeer;
  folder: string;
  set: DataSet;
  trees: number;
  threads: number;
  rounds: number;
}): Promise<{ warm: Comparison; cold: Comparison }> {
  const { peer, folder, set, trees, threads, rounds } = options;
  const [theirs, ours, cold]: [Cost[], Cost[], Cost[]] = [[], [], []];
  for (let seed = 0; seed < rounds; seed++) {
    const their = await peer.ask<Cost>({ do: 'fit', name: set.name, trees, seed, threads });
    const our = await trainOurs({ set, trees, seed, threads });
    const fresh = fitInNewProcess(folder, set.name, trees, seed, threads);
    theirs.push(their);
    ours.push(our);
    cold.push(fresh);
    console.error(`fit ${set.name}, ${threads} threads: ${their.seconds} ${our.seconds} ${fresh.seconds}`);
  }
  return { warm: comparison(theirs, ours), cold: comparison(theirs, cold) };
}

function fitInNewProcess(folder: string, name: string, trees: number, seed: number, threads: number): Cost {
  const script = fileURLToPath(new URL('fit-once.ts', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [script, folder, name, `${trees}`, `${seed}`, `${threads}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(stdout) as Cost;
}

/** Accuracy on unseen rows, mean over the seeds. */
export async function fitsOfSeeds(options: { peer: PythonPeer; set: DataSet; trees: number; seeds: number }) {
  const { peer, set, trees, seeds } = options;
  let [theirs, ours] = [0, 0];
  for (let seed = 0; seed < seeds; seed++) {
    const fit = await peer.ask<{ accuracy: number }>({ do: 'fit', name: set.name, trees, seed, threads: 2 });
    theirs += fit.accuracy / seeds;
    const { forest } = await trainOurs({ set, trees, seed, threads: 2 });
    ours += accuracyOf(forest, set.test) / seeds;
  }
  console.error(`accuracy ${set.name}: ${theirs} ${ours}`);
  return { theirs, ours };
}

function accuracyOf(forest: Forest, { values, labels, count }: LabelledMatrix): number {
  const out = { probabilities: new Float64Array(count * forest.outputs), labels: new Int32Array(count) };
  predict(compile(forest), values, count, out);
  return labels.reduce((right, label, row) => right + (label === out.labels[row] ? 1 : 0), 0) / count;
}
