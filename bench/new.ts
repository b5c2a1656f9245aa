// How good the model is that `gapline new` makes without a word, beside scikit-learn's boosted trees with their defaults: ten tables that
// come with packages of PyPI, the same rows to train from and to test. Writes the section of docs/benchmarks.md.
// node bench/new.ts [--only NAME,NAME] [--dry-run]
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheFolder, installPython, PythonPeer } from './peers.ts';
import { machine, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
});
const program = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

interface TableName {
  readonly name: string;
  readonly package: string;
}

/** The model that `gapline new` made. */
interface Made {
  readonly accuracy: number;
  readonly rows: number;
  readonly model: string;
  readonly seconds: number;
}

/** Makes a stream of a table, as a person would, and looks at the version that would serve. */
function makeStream(file: string, folder: string): Made {
  const startedMs = performance.now();
  gapline('new', 'table', '--data', file, '--truth', 'label', '--folder', folder);
  const seconds = (performance.now() - startedMs) / 1_000;
  const listed = gapline('models', 'list', '--config', join(folder, 'stream.yaml')).split('\n');
  const [version = '', , model = ''] = (listed.find((line) => line.includes('champion')) ?? '').split('\t');
  const manifest = readFileSync(join(folder, 'models', 'table', version, 'model.json'), 'utf8');
  const { accuracy, rows } = JSON.parse(manifest).metrics;
  return { accuracy, rows, model, seconds };
}

const gapline = (...args: string[]): string =>
  execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], { encoding: 'utf8' });

const peer = new PythonPeer(installPython('new'), 'new.py', []);
const folder = await mkdtemp(join(cacheFolder('new'), 'run-'));
try {
  const found = await peer.ask<{ tables: TableName[]; versions: string }>({ do: 'names' });
  const only = options.only?.split(',');
  const lines: string[][] = [];
  const differences: number[] = [];
  for (const { name, package: source } of found.tables) {
    if (only && !only.includes(name)) continue;
    const file = join(folder, `${name}.csv`);
    const { rows, columns } = await peer.ask<{ rows: number; columns: number }>({ do: 'write', name, file });
    const stream = join(folder, name);
    const ours = makeStream(file, stream);
    const [train, test] = [join(stream, 'data', 'train.csv'), join(stream, 'data', 'test.csv')];
    const theirs = await peer.ask<{ accuracy: number; rows: number }>({ do: 'fit', train, test });
    if (theirs.rows !== ours.rows) throw new Error(`${name}: scored on ${ours.rows} and ${theirs.rows} rows`);
    const difference = ours.accuracy - theirs.accuracy;
    differences.push(difference);
    const scores = [ours.accuracy.toFixed(4), theirs.accuracy.toFixed(4), difference.toFixed(4)];
    lines.push([`${name} (${source})`, `${rows} x ${columns}`, ...scores, ours.model, `${ours.seconds.toFixed(0)} s`]);
    console.error(lines.at(-1)?.join('  '));
  }
  const mean = differences.reduce((sum, each) => sum + each, 0) / differences.length;
  const text = [
    '## A model without a word',
    '',
    `\`npm run bench -- new\` · ${machine()} ${found.versions}.`,
    '',
    `\`gapline new\` with nothing but the name of the label, beside scikit-learn's \`HistGradientBoostingClassifier\` with its defaults: accuracy on the fifth of the rows that neither was trained from. Mean difference over ${lines.length} tables: **${mean >= 0 ? '+' : ''}${mean.toFixed(4)}**.`,
    '',
    table(['table', 'size', 'gapline new', 'scikit-learn', 'difference', 'chosen', 'time of new'], lines),
  ].join('\n');
  console.log(text);
  if (!options['dry-run'] && only === undefined) writeSection('new', text);
} finally {
  peer.stop();
  await rm(folder, { recursive: true });
}
