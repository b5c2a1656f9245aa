// Whole series beside aeon on one thread: accuracy on the archive's sets, time to fit and to predict, a window alone, and accuracy with
// samples missing; and windows through the embedded line beside their prediction alone.
// node bench/series.ts [--sets GunPoint,Coffee] [--seeds 5] [--kinds rocket] [--ways rocket,1-NN] [--part whole,gaps,alone,line]
// [--docs]: writes the sections of the parts that were run, with the sets that were chosen, into docs/benchmarks.md

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLinear } from '../core/model/impute/linear.ts';
import type { Model } from '../core/model/model.ts';
import { elementAt } from '../core/numeric/element.ts';
import { cacheFolder, installPython, PythonPeer } from './peers.ts';
import { machine, median, table, writeSection } from './report.ts';
import { compareLine } from './series/line.ts';
import { featuresAndTrees, fitSeriesModel, nearest, predict } from './series/ours.ts';
import { accuracyOf, bridged, type Losing, loadSet, type SeriesSet, withLosses } from './series/sets.ts';
import { type Spent, spent } from './spent.ts';

const allNames = 'GunPoint,ArrowHead,ItalyPowerDemand,Coffee,Trace,BasicMotions,OSULeaf,ACSF1,PigCVP'.split(',');
const { values: options } = parseArgs({
  options: {
    sets: { type: 'string', default: allNames.join(',') },
    seeds: { type: 'string', default: '5' },
    kinds: { type: 'string', default: 'rocket,shapelets' },
    ways: { type: 'string', default: '' },
    part: { type: 'string', default: 'whole,alone,line,gaps' },
    docs: { type: 'boolean', default: false },
  },
});
const names = options.sets.split(',');
const seeds = Array.from({ length: Number(options.seeds) }, (_, index) => index + 1);
const folder = cacheFolder('series');
type Kind = 'rocket' | 'shapelets';
const kinds = (['rocket', 'shapelets'] as const).filter((kind) => options.kinds.split(',').includes(kind));

interface Run {
  readonly labels: number[];
  readonly fit: Spent;
  readonly predict: Spent;
}

const theirs = ({ train, test, channels, length }: SeriesSet, kind: Kind, seed: number) =>
  peer.ask<Run>({
    do: 'run',
    ...{ kind, seed, channels, length },
    ...{ train: train.file, test: test.file, labels: [...train.labels] },
  });

async function ours(set: SeriesSet, kind: Kind, seed: number): Promise<Run & { model: Model }> {
  const [model, fit] = await spent(() => fitSeriesModel(set, kind, seed));
  const [labels, took] = await spent(() => predict(model, set, set.test));
  return { labels: [...labels], fit, predict: took, model };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const cpuOf = (runs: readonly Run[], of: 'fit' | 'predict'): number => median(runs.map((run) => run[of].cpu));

function publish(name: string, lines: readonly string[]): void {
  const text = [...lines, '', `${machine()} Load of the machine: ${elementAt(loadavg(), 0).toFixed(1)}.`].join('\n');
  console.log(text);
  if (options.docs) writeSection(name, text);
}

/** Accuracy, and what fitting and predicting take of the processor. */
async function whole(sets: readonly SeriesSet[]): Promise<void> {
  const rows: string[][] = [];
  for (const set of sets) {
    for (const kind of kinds) {
      const [own, peers]: [Run[], Run[]] = [[], []];
      for (const seed of seeds) {
        own.push(await ours(set, kind, seed));
        peers.push(await theirs(set, kind, seed));
      }
      const [right, rightThere] = [own, peers].map((runs) =>
        mean(runs.map(({ labels }) => accuracyOf(labels, set.test))),
      );
      const ratio = (of: 'fit' | 'predict') => (cpuOf(own, of) / cpuOf(peers, of)).toFixed(2);
      const [a = 0, b = 0] = [right, rightThere];
      const cells = [
        `${set.name}, ${kind}`,
        a.toFixed(4),
        b.toFixed(4),
        (a - b).toFixed(4),
        ratio('fit'),
        ratio('predict'),
      ];
      rows.push(cells);
      console.error(cells.join('  '));
    }
    // Some sets take an hour: what is known is kept, whatever becomes of the rest.
    publishWhole(rows);
  }
}

function publishWhole(rows: readonly string[][]): void {
  publish('series', [
    `## Whole series, beside aeon\n\n\`npm run bench -- series --part whole\`, first split of each set, mean over ${seeds.length} seeds; ${versions}, one thread, numba warmed up. rocket beside MiniRocketClassifier, shapelets beside RDSTClassifier. Times are of the processor, Gapline's divided by aeon's: below 1 is faster.\n`,
    table(['set, estimator', 'accuracy', "aeon's", 'difference', 'fit', 'predict'], rows),
  ]);
}

/** One window of 2,000 samples alone, and a hundred together, in turn. */
async function alone(set: SeriesSet): Promise<void> {
  const rows: string[][] = [];
  for (const kind of kinds) {
    const { model } = await ours(set, kind, 1);
    await theirs(set, kind, 1);
    for (const count of [1, 100]) {
      const [own, peers]: [number[], number[]] = [[], []];
      for (let round = 0; round < (count === 1 ? 100 : 5); round++) {
        const first = (round * count) % (set.test.count - count + 1);
        const width = set.channels * set.length;
        const some = {
          ...set.test,
          count,
          values: set.test.values.subarray(first * width, (first + count) * width),
          labels: set.test.labels.subarray(first, first + count),
        };
        own.push((await spent(() => predict(model, set, some)))[1].cpu);
        peers.push((await peer.ask<Spent>({ do: 'predict', kind, first, count })).cpu);
      }
      const milliseconds = (seconds: readonly number[]) => ((median(seconds) * 1_000) / count).toFixed(2);
      const ratio = (median(own) / median(peers)).toFixed(2);
      rows.push([
        `${kind}, ${count === 1 ? 'alone' : `${count} together`}`,
        milliseconds(own),
        milliseconds(peers),
        ratio,
      ]);
    }
  }
  publish('series-alone', [
    `## A window of ${set.length} samples\n\n\`npm run bench -- series --part alone\`: ${set.name}, ${set.classes} classes, from samples to the label, milliseconds of the processor a window, medians, in turn with aeon.\n`,
    table(['estimator', 'Gapline', 'aeon', 'ratio'], rows),
  ]);
}

const losses: readonly (readonly [number, Losing])[] = [
  [0, 'at random'],
  ...[0.1, 0.3, 0.5].flatMap((rate) => (['at random', 'in bursts'] as const).map((losing) => [rate, losing] as const)),
];

/** Mean accuracy over the sets with samples missing from training and test alike. */
async function gaps(sets: readonly SeriesSet[]): Promise<void> {
  const ways: Record<string, (set: SeriesSet, filled: SeriesSet) => Promise<ArrayLike<number>>> = {
    rocket: async (set) => (await ours(set, 'rocket', 1)).labels,
    shapelets: async (set) => (await ours(set, 'shapelets', 1)).labels,
    'features, boosted trees': (set) => featuresAndTrees(set, 1),
    '1-NN on lines': async (_, filled) => nearest(filled),
    "aeon's MiniRocket on lines": async (_, filled) => (await theirs(filled, 'rocket', 1)).labels,
    "aeon's RDST on lines": async (_, filled) => (await theirs(filled, 'shapelets', 1)).labels,
  };
  // The ways take long together: rows of an earlier run over the same sets stay until they are measured anew.
  const kept = join(folder, `gaps-${names.join('-')}.json`);
  const known: Record<string, string[]> = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {};
  const wanted = options.ways.split(',');
  for (const [name, way] of Object.entries(ways)) {
    if (!wanted.some((each) => name.includes(each))) continue;
    const cells: string[] = [];
    for (const [rate, losing] of losses) {
      const right: number[] = [];
      for (const set of sets) {
        const lossy = withLosses(set, rate, losing, 7);
        right.push(
          accuracyOf(
            await way(
              lossy,
              bridged(lossy, (values) => filled(lossy, values), folder),
            ),
            set.test,
          ),
        );
      }
      cells.push(mean(right).toFixed(3));
      console.error(name, rate, losing, right.map((each) => each.toFixed(3)).join(' '));
    }
    known[name] = cells;
    writeFileSync(kept, JSON.stringify(known));
    const rows = Object.keys(ways).flatMap((each) => (known[each] ? [[each, ...known[each]]] : []));
    publishGaps(sets, rows);
  }
}

function publishGaps(sets: readonly SeriesSet[], rows: readonly string[][]): void {
  const header = losses.map(([rate, losing]) => (rate === 0 ? 'none' : `${rate * 100} % ${losing}`));
  const left = allNames.filter((name) => !names.includes(name));
  publish('series-gaps', [
    `## Whole series with samples missing\n\n\`npm run bench -- series --part gaps\`: mean accuracy over ${sets.map(({ name }) => name).join(', ')}, samples lost in training and test alike; bursts are a tenth of the window. aeon's take no gaps: theirs are bridged by lines before. Training sets have 28 to 200 windows, one seed. Rows are of several runs.${left.length > 0 ? ` Not among them: ${left.join(', ')}.` : ''}\n`,
    table(['missing', ...header], rows),
  ]);
}

function filled({ length, channels }: SeriesSet, values: Float64Array): Float64Array {
  const into = new Float64Array(values.length);
  const width = length * channels;
  const rows = { count: values.length / width, width, values, devices: [], times: new BigInt64Array(0) };
  openLinear({ length, fill: new Array<number>(width).fill(0) })
    .open()
    .fill(rows, into);
  return into;
}

/** From the log to predictions; no peer has a line. */
async function line(): Promise<void> {
  const rounds = 5;
  publish('series-line', [
    `## Windows through the line\n\n\`npm run bench -- series --part line\`: the models of \`examples/ppg\`, a tenth of the samples lost; milliseconds of the processor a window, medians of ${rounds} rounds in turn. Through the line: a classifier on the embedded log, from records in the log through the steps to predictions in the log, windows that stay open included. In process: the prediction alone of the same windows, as rows in memory. The ratio is in process by line; the target is 0.7.\n`,
    await compareLine(rounds),
  ]);
}

if (options.part === 'line') {
  await line();
  process.exit();
}
const peer = new PythonPeer(installPython('series'), 'series.py', []);
let versions = '';
try {
  ({ versions } = await peer.ask<{ versions: string }>({ do: 'versions' }));
  const sets: SeriesSet[] = [];
  for (const name of names) sets.push(await loadSet(peer, name, folder));
  if (options.part.includes('whole')) await whole(sets);
  const long = sets.find(({ length }) => length === 2_000);
  if (options.part.includes('alone') && long) await alone(long);
  if (options.part.includes('line')) await line();
  if (options.part.includes('gaps')) await gaps(sets);
} finally {
  peer.stop();
}
