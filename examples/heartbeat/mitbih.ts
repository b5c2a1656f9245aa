// Makes data/train.csv and data/test.csv of the real beats: the files mitbih_train.csv and mitbih_test.csv of Kachuee and others, which
// have no header, 187 samples a row and a number for the kind. Fetch them yourself: https://www.kaggle.com/datasets/shayanfazeli/heartbeat
import { once } from 'node:events';
import { accessSync, constants, createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readArguments, refuse } from '../arguments.ts';
import { fields, kinds, samples } from './simulator.ts';

/** In the order of the numbers of those files. */
const names = Object.keys(kinds);

async function convert(from: string, to: string): Promise<number> {
  const out = createWriteStream(to);
  out.write(`${fields.join(',')},label\n`);
  let rows = 0;
  for await (const line of createInterface({ input: createReadStream(from) })) {
    const cells = line.split(',');
    const kind = names[Number(cells.pop())];
    if (cells.length !== samples || kind === undefined)
      refuse(`${from}: row ${rows + 1} is not ${samples} samples and a number from 0 to ${names.length - 1}`, usage);
    rows += 1;
    if (!out.write(`${cells.join(',')},${kind}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return rows;
}

const usage = `npx node examples/heartbeat/mitbih.ts mitbih_train.csv mitbih_test.csv

Writes train.csv and test.csv into data beside this script, with a header and the names of the kinds.`;
const [train, test] = readArguments(usage, {}, 2).positionals;
if (train === undefined || test === undefined) refuse('two files are needed', usage);
for (const file of [train, test]) {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    refuse(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, usage);
  }
}
const folder = join(import.meta.dirname, 'data');
mkdirSync(folder, { recursive: true });
for (const [name, file] of Object.entries({ train, test }))
  console.log(`${name}.csv: ${await convert(file, join(folder, `${name}.csv`))} beats`);
