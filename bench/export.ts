// How fast the archive is exported by day and device, beside reading it alone (`store.read`), and how much memory that takes.
// npm run bench -- export [--readings 100000] [--samples 2000000] [--rounds 3] [--docs]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { elementAt } from '../core/numeric/element.ts';
import { beatFields, type ExportJob, type ExportRun, fillReadings, fillSamples } from './export/archive.ts';
import { machine, median, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    readings: { type: 'string', default: '100000' },
    samples: { type: 'string', default: '2000000' },
    rounds: { type: 'string', default: '3' },
    docs: { type: 'boolean', default: false },
  },
});
const ways = ['read', 'parquet', 'csv', 'again'] as const satisfies readonly ExportJob['way'][];
const titles = { read: '`store.read` alone', parquet: 'Parquet', csv: 'CSV', again: 'Parquet, nothing new' };

const compiled = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gapline-export-bench-'));
try {
  const readings = Number(options.readings);
  const sizes = [1 / 4, 1, 4].map((share) => Math.round(readings * share));
  const files = sizes.map((size) => join(folder, `${size}.db`));
  for (const [at, file] of files.entries()) await fillReadings(file, elementAt(sizes, at));
  const beats = join(folder, 'beats.db');
  await fillReadings(beats, Math.round(readings / 4), beatFields);
  const dense = join(folder, 'dense.db');
  await fillSamples(dense, Number(options.samples));
  const parts = [
    describe(`${readings.toLocaleString('en')} readings of 57 values, 10 % gaps`, rounds(elementAt(files, 1))),
    describe(`${Math.round(readings / 4).toLocaleString('en')} beats of 187 values, 10 % gaps`, rounds(beats)),
    describe(`${Number(options.samples).toLocaleString('en')} samples of 2 values at 250 Hz`, rounds(dense)),
  ];
  const memory = files.map((file, at) => [
    elementAt(sizes, at).toLocaleString('en'),
    ...(['read', 'parquet'] as const).map((way) => String(once(file, way).peakMb)),
  ]);
  const report = [
    '## Exporting the archive',
    '`npm run bench -- export`: SQLite, 20 devices with 8,333 readings a day in all, 4 devices with samples; medians, in turn, each in a process of its own. The processor time of the reading thread is what limits an export where a second core is free.',
    ...parts,
    'Memory of the whole process at the most, in MB, the more days the more readings:',
    table(['readings', '`store.read` alone', 'Parquet'], memory),
    machine(),
  ].join('\n\n');
  console.log(report);
  if (options.docs) writeSection('export', report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** In a process of its own, so that memory is its own too. */
function once(file: string, way: ExportJob['way']): ExportRun {
  const to = join(folder, 'exported');
  const job: ExportJob = { file, way, to };
  const script = fileURLToPath(new URL('export/run.ts', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, JSON.stringify(job)], {
    encoding: 'utf8',
    // As `./gapline` has it.
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  if (way !== 'again') rmSync(to, { recursive: true, force: true });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as ExportRun;
}

type Runs = Record<(typeof ways)[number], ExportRun[]>;

function rounds(file: string): Runs {
  const runs: Runs = { read: [], parquet: [], csv: [], again: [] };
  for (let round = 0; round < Number(options.rounds); round += 1)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const run = once(file, way);
      runs[way].push(run);
      console.error(`${way}: ${JSON.stringify(run)}`);
    }
  rmSync(join(folder, 'exported'), { recursive: true, force: true });
  return runs;
}

function describe(what: string, runs: Runs): string {
  const microseconds = (way: (typeof ways)[number], of: 'mainSeconds' | 'cpuSeconds') =>
    median(runs[way].map((run) => (run[of] / run.rows) * 1e6));
  const rows = ways.map((way) => [
    titles[way],
    Math.round(median(runs[way].map(({ rows: count, seconds }) => count / seconds))).toLocaleString('en'),
    median(runs[way].map(({ seconds }, round) => (runs.read[round]?.seconds ?? seconds) / seconds)).toFixed(2),
    microseconds(way, 'mainSeconds').toFixed(2),
    microseconds(way, 'cpuSeconds').toFixed(2),
    (microseconds('read', 'mainSeconds') / microseconds(way, 'mainSeconds')).toFixed(2),
  ]);
  const header = ['', 'rows/s', 'of reading alone', 'CPU µs a row, reading thread', 'all threads', 'of reading alone'];
  return `${what}:\n\n${table(header, rows)}`;
}
