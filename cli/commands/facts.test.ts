import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endFact, importFacts, listFacts } from './facts.ts';

let folder: string;
let config: string;
let printed: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-facts-'));
  config = join(folder, 'stream.yaml');
  writeFileSync(
    config,
    'stream: ward\ndata: { fields: [pulse] }\nfacts:\n  admission:\n  age: { values: [age] }\nlog: { partitions: 2 }\n',
  );
  printed = [];
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const options = () => ({ config, set: [], data: join(folder, 'data'), logLevel: 'silent' });
const table = { subject: '1', value: [], dateOrder: 'dmy' } as const;

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

async function listed(): Promise<unknown[]> {
  printed = [];
  await listFacts(options());
  return printed.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

test('tables with semicolons and dates of day, month and year become facts, by place or by name', async () => {
  const admissions = fileOf('admission.csv', 'p1;03/01/2024 10:00;05/01/2024 12:00\np2;31/01/2024 09:30;\n');
  await importFacts(admissions, { ...options(), ...table, kind: 'admission', from: '2', to: '3' });
  const ages = fileOf('age.csv', 'patient,years\np1,70\np2,\n');
  await importFacts(ages, { ...options(), ...table, kind: 'age', subject: 'patient', value: ['age=years'] });
  const always = '-2208988800000000000';
  expect(await listed()).toEqual([
    { subject: 'p1', kind: 'age', from: always, values: { age: 70 } },
    { subject: 'p2', kind: 'age', from: always, values: { age: null } },
    { subject: 'p1', kind: 'admission', from: '1704276000000000000', to: '1704456000000000000', values: {} },
    { subject: 'p2', kind: 'admission', from: '1706693400000000000', values: {} },
  ]);
  await endFact('p2', 'admission', { ...options(), at: '2024-02-01T00:00:00Z' });
  expect((await listed()).at(-1)).toMatchObject({ subject: 'p2', to: '1706745600000000000' });
  await expect(endFact('p2', 'admission', { ...options(), at: '2024-03-01T00:00:00Z' })).rejects.toThrow(
    'no admission of p2 holds then',
  );
});

test('NDJSON is told as it is, corrected and deleted by a later line', async () => {
  const from = '2024-01-31T12:00:00Z';
  const lines = [
    { subject: 'p', kind: 'age', from, values: { age: 7 } },
    { subject: 'q', kind: 'age', from, values: { age: 8 } },
    { subject: 'p', kind: 'age', from, values: { age: 9 } },
    { subject: 'q', kind: 'age', from, values: null },
  ].map((fact) => JSON.stringify(fact));
  await importFacts(fileOf('facts.ndjson', lines.join('\n')), { ...options(), ...table });
  expect(await listed()).toEqual([{ subject: 'p', kind: 'age', from: '1706702400000000000', values: { age: 9 } }]);
});

test('what is wrong in a file is named with its line, and nothing of it is told', async () => {
  const wrong = (text: string, more: object) =>
    importFacts(fileOf('wrong.csv', text), { ...options(), ...table, kind: 'admission', ...more });
  await expect(wrong('who;when\np;31/31/2024\n', { from: 'when' })).rejects.toThrow('line 2: "31/31/2024" is no time');
  await expect(wrong('who;when\np;\n', { from: 'when' })).rejects.toThrow('line 2: column when is empty');
  await expect(wrong('who;when\np;1/1/2024\n', { from: 'then' })).rejects.toThrow(
    'no column then; there are who, when',
  );
  await expect(wrong('who;when\np;1/1/2024\n', { kind: 'weight' })).rejects.toThrow('no facts of this kind');
  const lines = fileOf('wrong.ndjson', '\n{"subject":"p"}\n');
  await expect(importFacts(lines, { ...options(), ...table })).rejects.toThrow('line 2: 2 errors');
  writeFileSync(config, 'stream: ward\ndata: { fields: [pulse] }\n');
  await expect(listFacts(options())).rejects.toThrow('facts is missing');
});
