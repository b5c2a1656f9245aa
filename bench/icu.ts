// Real gaps: stays in intensive care, of which 77.6 % of the values are missing (imputegap's data set, fetched, not shipped): imputers by masked
// values beside imputegap's own mean and MICE, and the line from readings to labels.
// npm run bench -- icu [--rounds 5] [--dry-run]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorOf, mask, waysOf } from './icu/imputers.ts';
import { runLine } from './icu/line.ts';
import { readStays } from './icu/stays.ts';
import { installAlone, installPython, PythonPeer } from './peers.ts';
import { machine, median, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, 'dry-run': { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);
/** Of what was measured. */
const share = 0.1;

const python = installPython('icu');
// What it depends on is gigabytes, and none of it is called here.
const packages = installAlone(python, 'imputegap==1.1.2');
const folder = mkdtempSync(join(tmpdir(), 'gapline-icu-'));
const peer = new PythonPeer(python, 'icu.py', []);
try {
  const stays = readStays(join(packages, 'imputegap/datasets/z_physionet_saits.txt'));
  const measured = stays.values.filter((value) => !Number.isNaN(value)).length;
  const ways = waysOf(peer, folder);
  const errors = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  const seconds = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const { masked, places } = mask(stays, share, round + 1);
    for (const { name, fill } of ways) {
      const filled = await fill(masked);
      errors.get(name)?.push(errorOf(stays, filled.values, places));
      seconds.get(name)?.push(filled.seconds);
    }
  }
  const { versions } = await peer.ask<{ versions: string }>({ do: 'versions' });
  const line = await runLine(folder, stays);
  const mean = (of: readonly number[] = []) => of.reduce((sum, each) => sum + each, 0) / of.length;
  const rows = ways.map(({ name }) => [
    name,
    mean(errors.get(name)).toFixed(3),
    median(seconds.get(name) ?? []).toFixed(2),
  ]);
  const percent = (of: number) => `${(100 * of).toFixed(1)} %`;
  const section = `## Real gaps of intensive care

\`npm run bench -- icu\` · ${machine()} ${versions}

${stays.count.toLocaleString('en')} hours of 163 stays in intensive care, ${stays.width} columns that differ, ${percent(1 - measured / stays.values.length)} of their values missing: the set that
imputegap brings along. The bench fetches it; it is not shipped, because its licence was not seen. Of what was measured, ${100 * share} %
are masked; the error is the mean absolute difference there, in standard deviations of the column; the mean of ${rounds} masks that
all share. imputegap's methods see the whole matrix, and so later hours; Gapline's are fitted on it, too, and fill hour by
hour, as a line does. Seconds: to fit and to fill, median; of imputegap, with passing the matrix to Python and back.

${table(['', 'masked values, MAE', 's'], rows)}

The line: whether the heart rate is above 88, from the other columns with the gaps that they really have. Trained on 110 stays,
\`imputer: gaussian\`, 100 trees. Of ${line.readings.toLocaleString('en')} readings of the other stays, with ${percent(line.gapShare)} of the values missing, ${percent(line.right / line.scored)} of
${line.scored.toLocaleString('en')} labels are right (the more frequent class: ${percent(line.majority)}); ${Math.round(line.perSecond).toLocaleString('en')} readings a second from the embedded log to its
predictions, by one classifier from its start on.`;
  console.log(section);
  if (!options['dry-run']) writeSection('icu', section);
} finally {
  peer.stop();
  rmSync(folder, { recursive: true, force: true });
}
