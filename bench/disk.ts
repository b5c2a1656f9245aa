// Bytes that a reading takes on the disk in all (log of readings and predictions, archive), and what it costs to compress them.
// node bench/disk.ts [--only day|flood] [--readings 500000] [--flood 60000] [--rounds 3] [--docs]
// --docs writes the sections of docs/benchmarks.md.
import { parseArgs } from 'node:util';
import { compressedDay, type Growth } from './disk/day.ts';
import { type Flood, floodOnce } from './disk/flood.ts';
import { machine, median, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    readings: { type: 'string', default: '500000' },
    flood: { type: 'string', default: '60000' },
    rounds: { type: 'string', default: '3' },
    docs: { type: 'boolean', default: false },
  },
});
/** At 50 readings a second. */
const readingsADay = 50 * 86_400;
/** Rows grow evenly: these are enough to see how. */
const uncompressed = 100_000;
const both = [true, false];
const nameOf = (compress: boolean) => (compress ? 'compressed' : 'not compressed');

if (options.only !== 'flood') publish('disk', describeDay(await days()));
if (options.only !== 'day') publish('disk-flood', describeFlood(await floodInTurn()));

function publish(section: string, markdown: string): void {
  console.log(markdown);
  if (options.docs) writeSection(section, markdown);
}

async function days(): Promise<Growth[]> {
  const growths: Growth[] = [];
  for (const compress of both) {
    growths.push(await compressedDay({ compress, readings: compress ? Number(options.readings) : uncompressed }));
    console.log(JSON.stringify(growths.at(-1)));
  }
  return growths;
}

/** The two in turn, each first as often as the other. */
async function floodInTurn(): Promise<Flood[]> {
  const all: Flood[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const compress of round % 2 === 0 ? both : both.toReversed()) {
      all.push(await floodOnce({ compress, readings: Number(options.flood) }));
      console.log(JSON.stringify(all.at(-1)));
    }
  }
  return all;
}

function describeDay(growths: readonly Growth[]): string {
  const rows = growths.map(({ compress, readings, bytesAReading, baseMb, stopped }) => [
    nameOf(compress),
    readings.toLocaleString('en'),
    bytesAReading.toFixed(0),
    `${((bytesAReading * readingsADay) / 1e9 + baseMb / 1e3).toFixed(2)} GB`,
    `${(stopped / 1e6).toFixed(0)} MB`,
  ]);
  return `## Disk

\`npm run bench -- disk --only day\` · ${machine()}

Readings of the Spambase example (57 values, 10 % gaps, all 4,601 rows in a random order, 20 devices), their predictions
and their points, written into log and store as the embedded line writes them: what the one file grows by with each
reading, from a fifth of the readings on, in steps that the background compresses as it would at 50 readings a second. A
day is that growth times 4,320,000, and what does not grow.

${table(['', 'readings', 'bytes a reading', 'a day at 50/s', 'left after a clean stop'], rows)}`;
}

function describeFlood(floods: readonly Flood[]): string {
  const rows = both.map((compress) => {
    const own = floods.filter((flood) => flood.compress === compress);
    const of = (pick: (flood: Flood) => number) => Math.round(median(own.map(pick))).toLocaleString('en');
    return [nameOf(compress), of(({ readingsASecond }) => readingsASecond), of(({ cpuS }) => cpuS)];
  });
  const rounds = Array.from({ length: floods.length / 2 }, (_, round) => floods.slice(2 * round, 2 * round + 2));
  const ratios = (pick: (flood: Flood) => number) =>
    rounds
      .map((two) => both.flatMap((compress) => two.filter((flood) => flood.compress === compress).map(pick)))
      .map(([on = Number.NaN, off = Number.NaN]) => (on / off).toFixed(2))
      .join(', ');
  return `## What compressing costs

\`npm run bench -- disk --only flood\` · ${machine()}

${Number(options.flood).toLocaleString('en')} readings of the same kind to \`gapline up\` as fast as it takes them, until all are labelled
and archived; medians of ${options.rounds} rounds, in turn. Compressing over not compressing, by round: readings a second
${ratios(({ readingsASecond }) => readingsASecond)}; CPU time ${ratios(({ cpuS }) => cpuS)}.

${table(['', 'readings/s', 'CPU-s a million readings'], rows)}`;
}
