// Writes the tables of the ward as the original takes them, and the facts as `data.facts` takes them:
//   node examples/icu/simulate.ts [FOLDER] [--patients 60] [--hours 120] [--seed 2] [--wide] [--comma] [--truth]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tablesOf } from './tables.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    patients: { type: 'string', default: '60' },
    hours: { type: 'string', default: '120' },
    seed: { type: 'string', default: '2' },
    wide: { type: 'boolean', default: false },
    comma: { type: 'boolean', default: false },
    truth: { type: 'boolean', default: false },
  },
});
const folder = positionals[0] ?? join(import.meta.dirname, 'data');
mkdirSync(folder, { recursive: true });
const { patients, hours, seed, ...form } = values;
const tables = tablesOf({ ...form, patients: Number(patients), hours: Number(hours), seed: Number(seed) });
for (const [file, text] of Object.entries(tables)) writeFileSync(join(folder, file), text);
