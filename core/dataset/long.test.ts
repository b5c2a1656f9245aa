import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readDataset } from './read.ts';

const folder = mkdtempSync(join(tmpdir(), 'gapline-long-'));
afterAll(() => rmSync(folder, { recursive: true }));

const lines = [
  ['patient', 'day', 'hour', 'parameter', 'value'],
  ['1', '13/01/2026', '08:00', 'pressure', '120'],
  ['1', '13/01/2026', '08:00', 'rate', '18'],
  ['2', '14/01/2026', '09:30', 'rate', ''],
  ['2', '14/01/2026', '09:30', 'weight', '80'],
];
const write = (name: string, delimiter: string) => {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => `${line.join(delimiter)}\n`).join(''));
  return file;
};
const gap = Number.NaN;

test.each([';', ','])('a table in long form parted by %s has a column a parameter', async (delimiter) => {
  const file = write(delimiter === ';' ? 'a.csv' : 'b.csv', delimiter);
  const long = { parameter: 'parameter', value: 'value' };
  const { fields, values, count, times, devices } = await readDataset({
    file,
    long,
    device: 'patient',
    time: 'day',
    clock: 'hour',
  });
  expect(fields).toEqual(['pressure', 'rate', 'weight']);
  expect([...values]).toEqual([120, gap, gap, gap, 18, gap, gap, gap, gap, gap, gap, 80]);
  expect(count).toBe(4);
  expect(times?.[2]).toBe(BigInt(Date.UTC(2026, 0, 14, 9, 30)) * 1_000_000n);
  expect(devices?.names).toEqual(['1', '2']);
});

test('columns may be told by their place, and only some parameters taken', async () => {
  const file = write('c.csv', ';');
  const long = { parameter: '4', value: '5' };
  const dataset = await readDataset({ file, long, device: '1', time: '2', clock: '3', fields: ['rate', 'pressure'] });
  expect(dataset.fields).toEqual(['rate', 'pressure']);
  expect([...dataset.values]).toEqual([gap, 120, 18, gap, gap, gap]);
  expect([...(dataset.devices?.index ?? [])]).toEqual([0, 0, 1]);
});

test('a parameter that no row names is refused', async () => {
  const file = write('d.csv', ';');
  const long = { parameter: 'parameter', value: 'value' };
  await expect(readDataset({ file, long, fields: ['pulse'] })).rejects.toThrow('no row names one of pulse');
});

test('a parameter that is wanted but that no row names is told of, and is a gap everywhere', async () => {
  const file = write('e.csv', ';');
  const long = { parameter: 'parameter', value: 'value' };
  const { values, notes } = await readDataset({ file, long, fields: ['Rate', 'rate'] });
  expect([...values]).toEqual([gap, 18, gap, gap]);
  expect(notes).toContain('no row names Rate: nothing but gaps');
});
