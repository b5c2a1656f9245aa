import { expect, test } from 'vitest';
import type { Dataset } from '../core/dataset/dataset.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { inKeys, readInKeys } from './in-keys.ts';

test.each([
  ['a counter, from 1 to 9; --keep "column 1" takes it as a value', 'data.keep "column 1" takes it as a value'],
  ['numbers have a decimal comma (x; --decimal overrides it)', '; data.decimal overrides it)'],
  ['by its name; --time names another', '; data.time names another'],
  ['say "--decimal ." where the comma parts', 'say "data.decimal ." where'],
  ['column "a--keep b" and --keeper of', 'column "a--keep b" and --keeper of'],
])('%s', (text, part) => expect(inKeys(text)).toContain(part));

test('columns, notes and errors name keys of the configuration', async () => {
  const columns = [{ name: 'n', role: 'left out', reason: '--keep "n" takes it' }] as const;
  const dataset = { columns, notes: ['--decimal overrides it'] } as unknown as Dataset;
  const read = await readInKeys(Promise.resolve(dataset));
  expect([read.columns[0]?.reason, read.notes[0]]).toEqual(['data.keep "n" takes it', 'data.decimal overrides it']);
  const refused = readInKeys(Promise.reject(new GaplineError('data-invalid', 'what --gap names: --gap x')));
  await expect(refused).rejects.toMatchObject({ code: 'data-invalid', message: 'what data.gap names: data.gap x' });
});
