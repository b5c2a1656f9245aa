import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Prediction } from '../../core/wire/prediction.ts';
import { tablesOf } from '../../examples/icu/tables.ts';
import { eventually, gapline, root, spambase, temporaryFolder } from './gapline.ts';
import { predictionsOf } from './identities.ts';

const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];

/** The first rows of the example, every third value missing, and without its label column. */
function tableWithGaps(): { names: string[]; rows: (number | null)[][] } {
  const [header = '', ...lines] = readFileSync(join(dirname(spambase), 'data/test.csv'), 'utf8').split('\n');
  const names = header.split(',').slice(0, -1);
  const rows = lines
    .slice(0, 20)
    .map((line, row) => names.map((_, column) => ((row + column) % 3 === 0 ? null : Number(line.split(',')[column]))));
  return { names, rows };
}

test('a table is labelled as the line labels its rows', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const { names, rows } = tableWithGaps();
  const table = join(folder, 'rows.csv');
  writeFileSync(table, [['device', ...names], ...rows.map((row, at) => [`d${at % 4}`, ...row])].join('\n'));

  const line = gapline(['up', '--config', spambase, '--data', folder, '--no-generator', ...ports]);
  const url = await line.printed(/POST (\S+)/);
  const readings = rows.map((row, at) => ({
    device: `d${at % 4}`,
    time: String(1_700_000_000_000_000_000n + BigInt(at)),
    values: Object.fromEntries(names.map((name, column) => [name, row[column]])),
  }));
  const answer = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(readings),
    headers: { 'content-type': 'application/json' },
  });
  expect(answer.status).toBe(202);
  const labelled = () => predictionsOf(join(folder, 'gapline.db'), 'spam_predictions');
  await eventually(async () => (await labelled()).length === rows.length);
  line.kill('SIGTERM');
  await line.ended;
  const byLine = new Map(
    (await labelled()).map((prediction) => [Number(BigInt(prediction.time) % 1_000n), prediction]),
  );

  const json = await gapline(['predict', table, '--config', spambase, '--json']).ended;
  expect(json.code).toBe(0);
  const printed = json.stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  const figures = ({ device, label, probability, probabilities, gaps, filled }: Prediction) => ({
    ...{ device, label, probability, probabilities, gaps, filled },
  });
  expect(printed).toEqual(rows.map((_, at) => ({ row: at + 1, ...figures(byLine.get(at) as Prediction) })));
  expect(json.stderr).toContain('20 rows with 380 gaps');

  const output = join(folder, 'labels.csv');
  expect((await gapline(['predict', table, '--config', spambase, '--output', output]).ended).code).toBe(0);
  const [header = [], ...lines] = readFileSync(output, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => text.split(','));
  const cells = lines.map((line) => Object.fromEntries(header.map((column, at) => [column, line[at]])));
  expect(cells.map(({ row, label, gaps }) => ({ row: Number(row), label, gaps: Number(gaps) }))).toEqual(
    printed.map(({ row, label, gaps }) => ({ row, label, gaps })),
  );
  const [name = ''] = names;
  expect(Number(cells[0]?.[`filled ${name}`])).toBe(printed[0].filled[name]);
  expect(cells[1]?.[`filled ${name}`]).toBe('');
});

/** What `predict` prints of a table of the ward: device, time, probability and gaps of each row. */
async function predicted(table: string, facts: string, changes: readonly string[] = []): Promise<string[]> {
  const config = join(root, 'examples/icu/stream.yaml');
  const set = [`data.facts=${facts}`, ...changes].flatMap((change) => ['--set', change]);
  const { code, stdout, stderr } = await gapline(['predict', table, '--config', config, '--json', ...set]).ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const rows = stdout.trimEnd().split('\n');
  return rows.map((row) => JSON.parse(row)).map((row) => [row.device, row.time, row.probability, row.gaps].join());
}

test('a table of a ward in any form gives labels inside of admissions, the last of an hour the same', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const ward = { patients: 6, hours: 60, seed: 2 };
  const fileOf = (name: string, form: object, file = 'signal.csv') => {
    const path = join(folder, `${name}-${file}`);
    writeFileSync(path, tablesOf({ ...ward, ...form })[file] ?? '');
    return path;
  };
  const facts = fileOf('long', {}, 'facts.ndjson');
  const long = await predicted(fileOf('long', {}), facts);
  expect(long.length).toBeGreaterThan(300);
  expect(long.length).toBeLessThan(ward.patients * ward.hours * 3);
  expect(await predicted(fileOf('comma', { comma: true }), facts)).toEqual(long);
  const byPlace = ['device="1"', 'time="2"', 'clock="3"', 'parameter="4"', 'value="5"', 'truth="6"'];
  const changes = byPlace.map((change) => `data.${change}`);
  expect(await predicted(fileOf('place', { header: false }), facts, changes)).toEqual(long);
  const wide = await predicted(fileOf('wide', { wide: true }), facts);
  const inAnyOrder = (rows: readonly string[]) => rows.toSorted();
  expect(inAnyOrder(wide)).toEqual(inAnyOrder(long.filter((_, row) => row % 3 === 2)));
});

test('a table without a field of the model, and an unknown version, are refused', { timeout: 30_000 }, async () => {
  const table = join(temporaryFolder(), 'rows.csv');
  writeFileSync(table, 'word_freq_make,Word_Freq_Adress\n1,2\n3,4\n');
  const predict = (...args: string[]) => gapline(['predict', table, '--config', spambase, ...args]).ended;
  const missing = await predict();
  expect([missing.code, missing.stdout]).toEqual([1, '']);
  expect(missing.stderr).toMatch(/rows\.csv: there is no column "word_freq_address".*\[data-invalid\]/);
  expect((await predict('--model', '99')).stderr).toMatch(/there is no version 99.*\[model-missing\]/);
});
