// How fast tables are read, beside pandas' read_csv: one million rows of four columns, in turn in one run; and how much memory
// reading takes beyond the table. Writes the section of docs/benchmarks.md.
// node bench/tables.ts [--rounds 7] [--dry-run]

import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readDataset } from '../core/dataset/read.ts';
import { elementAt } from '../core/numeric/element.ts';
import { KeyedRandom } from '../core/numeric/random/keyed-random.ts';
import { cacheFolder, installPython, PythonPeer } from './peers.ts';
import { machine, median, table, writeSection } from './report.ts';
import { type Spent, spent } from './spent.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    rows: { type: 'string', default: '1000000' },
    'dry-run': { type: 'boolean', default: false },
    /** Only the memory of reading this file, in a process that did nothing else; printed as a number. */
    memory: { type: 'string' },
  },
});
const rows = Number(options.rows);
const folder = cacheFolder('tables');

interface Layout {
  readonly name: string;
  readonly delimiter: string;
  readonly decimal: string;
  /** What pandas has to be told; Gapline finds out. */
  readonly told: Record<string, string>;
}

const layouts: readonly Layout[] = [
  { name: 'comma, decimal point', delimiter: ',', decimal: '.', told: {} },
  { name: 'semicolon, decimal comma', delimiter: ';', decimal: ',', told: { sep: ';', decimal: ',' } },
];

/** Three measurements of 3, 6 and up to 17 digits, and a label. */
async function write(file: string, { delimiter, decimal }: Layout): Promise<void> {
  const out = createWriteStream(file);
  const random = new KeyedRandom().at(1, 0, 0);
  out.write(`${['a', 'b', 'c', 'label'].join(delimiter)}\n`);
  for (let row = 0; row < rows; row += 1_000) {
    const lines = Array.from({ length: Math.min(1_000, rows - row) }, () => {
      const [a, b, c] = [random.next() * 100, random.next() * 100, random.next() * 100];
      const cells = [a.toFixed(3), b.toFixed(6), String(c)].map((cell) => cell.replace('.', decimal));
      return [...cells, a > 50 ? 'hot' : 'ok'].join(delimiter);
    });
    if (!out.write(`${lines.join('\n')}\n`)) await new Promise<void>((done) => out.once('drain', () => done()));
  }
  out.end();
  await finished(out);
}

/** Bytes beyond what the process held before and what the table itself takes. */
async function memoryOf(file: string): Promise<number> {
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 5);
  const { values, labels } = await readDataset({ file, truth: 'label' });
  clearInterval(watch);
  return Math.max(0, peak - before - values.byteLength - labels.byteLength);
}

if (options.memory !== undefined) {
  console.log(await memoryOf(options.memory));
  process.exit();
}

/** As {@link memoryOf}, in a process of its own. */
function memoryApart(file: string): number {
  const script = fileURLToPath(import.meta.url);
  return Number(execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', script, '--memory', file]));
}

const peer = new PythonPeer(installPython(), 'tables.py', []);
try {
  const { versions } = await peer.ask<{ versions: string }>({ do: 'versions' });
  const lines: string[][] = [];
  for (const layout of layouts) {
    const file = join(folder, 'table.csv');
    await write(file, layout);
    const extra = memoryApart(file);
    const ours: Spent[] = [];
    const theirs: Spent[] = [];
    for (let round = 0; round < Number(options.rounds); round++) {
      const [data, took] = await spent(() => readDataset({ file, truth: 'label' }));
      ours.push(took);
      const read = await peer.ask<Spent & { rows: number; first: number[] }>({
        do: 'read',
        file,
        options: layout.told,
      });
      theirs.push(read);
      const same =
        read.rows === data.count &&
        read.first.every((value, at) => Math.abs(value - elementAt(data.values, at)) < 1e-9);
      if (!same) throw new Error(`${layout.name}: pandas and Gapline read other values`);
    }
    const rate = (seconds: number) => Math.round(rows / seconds).toLocaleString('en');
    const best = (all: readonly number[]) => Math.min(...all);
    const ratio = (of: keyof Spent, choose: (all: readonly number[]) => number) =>
      (choose(theirs.map((each) => each[of])) / choose(ours.map((each) => each[of]))).toFixed(2);
    lines.push([
      layout.name,
      rate(best(ours.map(({ seconds }) => seconds))),
      rate(best(theirs.map(({ seconds }) => seconds))),
      ...[ratio('seconds', best), ratio('seconds', median), ratio('cpu', best), ratio('cpu', median)],
      `${Math.round(extra / 1e6)} MB`,
    ]);
    await rm(file);
  }
  const text = [
    '## Reading tables',
    '',
    `\`npm run bench -- tables\` · ${machine()} ${versions}. Load of the machine at the end: ${loadavg()[0]?.toFixed(1)}.`,
    '',
    `${rows.toLocaleString('en')} rows of three measurements (3, 6 and up to 17 digits) and a label, in turn with pandas' \`read_csv\` in one run. Gapline finds out the layout, judges every column and gives it a role; pandas is told the layout. One thread each. On a machine whose cores others use too, the ratios are higher than on a quiet one: pandas loses more. The last column is what reading takes beyond the table itself.`,
    '',
    table(
      [
        'rows a second',
        'Gapline',
        'pandas',
        'of pandas, best',
        'by median',
        'by CPU time, best',
        'by median',
        'memory',
      ],
      lines,
    ),
  ].join('\n');
  console.log(text);
  if (!options['dry-run']) writeSection('tables', text);
} finally {
  peer.stop();
}
