// How fast forests are trained and predict, and how often they are right, side by side with scikit-learn, ONNX Runtime and
// others; writes the section of docs/benchmarks.md.
// node bench/forest.ts [--rounds 5] [--only fit,accuracy,predict] [--dry-run]
import { parseArgs } from 'node:util';
import { type Comparison, comparison } from './forest/comparison.ts';
import { compareFits, fitsOfSeeds } from './forest/fits.ts';
import { comparePredictions } from './forest/predictions.ts';
import { makeSets } from './forest/sets.ts';
import { cacheFolder, installPython, PythonPeer } from './peers.ts';
import { machine, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seeds: { type: 'string', default: '10' },
    only: { type: 'string', default: 'fit,accuracy,predict' },
    'dry-run': { type: 'boolean', default: false },
  },
});

const rounds = Number(options.rounds);
const parts = options.only.split(',');
const folder = cacheFolder('forest');
const peer = new PythonPeer(installPython(), 'forest.py', [folder]);
try {
  const sets = await makeSets(folder, peer);
  if (parts.includes('fit')) await report('fit', await fitSection(sets.spambase, sets.large));
  if (parts.includes('accuracy')) await report('accuracy', await accuracySection(sets.forAccuracy));
  if (parts.includes('predict')) await report('predict', await predictSection(sets.spambase));
} finally {
  peer.stop();
}

/** Each part stands for itself, so that one can be measured again without the others. */
async function report(part: string, [title, ...text]: readonly string[]): Promise<void> {
  const { versions } = await peer.ask<{ versions: string }>({ do: 'versions' });
  const command = `\`npm run bench -- forest --only ${part}\` · ${machine()} ${versions}.`;
  const section = [`## ${title}`, command, ...text].join('\n\n');
  console.log(section);
  if (!options['dry-run']) writeSection(`forest-${part}`, section);
}

type Sets = Awaited<ReturnType<typeof makeSets>>;

async function fitSection(...sets: Sets['spambase'][]): Promise<string[]> {
  const rows: string[][] = [];
  for (const set of sets) {
    for (const threads of [1, 2]) {
      // Many rows take long, and as long for each tree.
      const trees = set.train.count > 50_000 ? 20 : 100;
      const found = await compareFits({ peer, folder, set, trees, threads, rounds });
      const size = `${set.train.count.toLocaleString('en')} × ${set.width}, ${trees} trees`;
      rows.push([
        `${size}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
        ...costs(found.warm),
        ratio(found.cold.byMinimum),
      ]);
    }
  }
  const header = [
    'seconds',
    'scikit-learn',
    'Gapline',
    'ratio of minima',
    'ratio of medians',
    'of CPU time',
    'first fit of a process',
  ];
  const intro = `Seconds, the least of ${rounds} rounds taken in turn, the start of worker threads included. Ratios below one: Gapline is faster.`;
  return ['Training a forest', intro, table(header, rows)];
}

function seconds(value: number): string {
  return value.toFixed(value < 10 ? 3 : 1);
}

function ratio(value: number): string {
  return value.toFixed(2);
}

function costs({ theirs, ours, byMinimum, byMedian, byCpu }: Comparison): string[] {
  return [seconds(theirs), seconds(ours), ratio(byMinimum), ratio(byMedian), ratio(byCpu)];
}

async function accuracySection(sets: Sets['forAccuracy']): Promise<string[]> {
  const rows: string[][] = [];
  for (const set of sets) {
    const found = await fitsOfSeeds({ peer, set, trees: 100, seeds: Number(options.seeds) });
    const name = `${set.name}: ${set.train.count.toLocaleString('en')} × ${set.width}, ${set.classes} classes`;
    rows.push([name, ...[found.theirs, found.ours, found.ours - found.theirs].map((value) => value.toFixed(4))]);
  }
  const header = ['', 'scikit-learn', 'Gapline', 'difference'];
  const intro = `Of forests of 100 trees, on rows not trained on, mean over ${options.seeds} seeds.`;
  return ['Accuracy of a forest', intro, table(header, rows)];
}

async function predictSection(set: Sets['spambase']): Promise<string[]> {
  const { nodes, sameLabels, rates } = await comparePredictions({ peer, folder, set, trees: 100, rounds });
  const ours = rates.find(({ name }) => name === 'Gapline');
  if (!ours) throw new Error('Gapline was not measured');
  const rows = rates.map((rate) => [
    rate.name,
    ...(['batch', 'single'] as const).flatMap((kind) => {
      const { theirs, byMinimum, byMedian, byCpu } = comparison(rate[kind], ours[kind]);
      const times = [byMinimum, byMedian, byCpu].map((share) => ratio(1 / share));
      return [Math.round(1 / theirs).toLocaleString('en'), ...times];
    }),
  ]);
  const times = ['times', 'by median', 'by CPU'];
  const header = ['rows a second', 'batches of 1,000', ...times, 'one by one', ...times];
  const intro =
    `The best of ${rounds} rounds taken in turn, and how many times as fast Gapline is: by that, by the median, by CPU ` +
    `time. One thread except where a row says otherwise. scikit-learn's forest of 100 trees and ` +
    `${nodes.toLocaleString('en')} nodes for Spambase, converted to ONNX; Gapline reads that file. Labels of ` +
    `${set.test.count} rows: ${sameLabels}. LightGBM's and YDF's forests are their own, of as many trees. Rows stand ready ` +
    'in the form that each takes.';
  return ['Prediction with a forest', intro, table(header, rows)];
}
