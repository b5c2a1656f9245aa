// Writes the tables of the ward as the original takes them, and the facts as `data.facts` takes them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, wholeNumber } from '../arguments.ts';
import { tablesOf } from './tables.ts';

const usage = `npx node examples/icu/simulate.ts [FOLDER] [--patients 60] [--hours 120] [--seed 2] [--wide] [--comma] [--truth]

Writes age.csv, admission.csv, signal.csv and facts.ndjson of a simulated ward into FOLDER (default: data beside this script).
  --patients N, --hours N, --seed N  how many, for how long, and which ones
  --wide   a column a parameter, in place of a row a value
  --comma  commas between the cells, in place of semicolons
  --truth  adds whether the patient is at risk, to train from`;

const { values, positionals } = readArguments(
  usage,
  {
    patients: { type: 'string', default: '60' },
    hours: { type: 'string', default: '120' },
    seed: { type: 'string', default: '2' },
    wide: { type: 'boolean', default: false },
    comma: { type: 'boolean', default: false },
    truth: { type: 'boolean', default: false },
  },
  1,
);
const { wide, comma, truth } = values;
const number = (option: 'patients' | 'hours' | 'seed') => wholeNumber(values[option], `--${option}`, usage);
const options = { patients: number('patients'), hours: number('hours'), seed: number('seed'), wide, comma, truth };
const folder = positionals[0] ?? join(import.meta.dirname, 'data');
mkdirSync(folder, { recursive: true });
for (const [file, text] of Object.entries(tablesOf(options))) writeFileSync(join(folder, file), text);
