import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { guessLabel } from './label.ts';
import { surveyTable } from './survey.ts';

async function summarise(text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-summary-'));
  try {
    await writeFile(join(folder, 'data.csv'), text);
    return (await surveyTable([join(folder, 'data.csv')])).columns;
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('says of each column what it holds', async () => {
  const columns = await summarise('a,b,c,d\n1,x,,1.5\n2,2,NA,\n2,y,,2.5\n');
  expect(columns.map(({ name, kind, gaps, rows, distinct }) => [name, kind, gaps, rows, distinct.size])).toEqual([
    ['a', 'numeric', 0, 3, 2],
    ['b', 'text', 0, 3, 3],
    ['c', 'empty', 3, 3, 0],
    ['d', 'numeric', 1, 3, 2],
  ]);
});

it.each([
  ['by its name, wherever it stands', 'Label,a,b\n0,1,x\n1,2,y\n', 'Label'],
  ['the likelier of two names', 'y,class,a\n1,0,3\n2,1,4\n', 'class'],
  ['a name that holds the word', 'is_target,a,b\n0,1.5,2\n1,2.5,3\n', 'is_target'],
  ['the last column of text', 'sepal,petal,kind\n1,2,a\n2,3,b\n', 'kind'],
  ['the last column of few whole numbers', 'a,b,quality\n1.5,2.5,5\n2.5,3.5,6\n', 'quality'],
  ['text in the middle before numbers', 'a,kind,b\n1.5,x,2.5\n2.5,y,3.5\n', 'kind'],
  ['the first column when no later one will do', 'wine,a,b\n1,1.5,2.5\n2,2.5,3.5\n', 'wine'],
])('guesses the label: %s', async (_, text, label) => {
  expect(guessLabel(await summarise(text))).toMatchObject({ label });
});

it.each(['none', 'Null'])('takes %s beside another word for a class, as reading does', async (word) => {
  const rows = Array.from({ length: 30 }, (_, row) => `${row}.5,${row % 2 ? 'leak' : word}`);
  expect(guessLabel(await summarise(`temp,state\n${rows.join('\n')}\n`))).toMatchObject({ label: 'state' });
});

it('guesses nothing where every column is a measurement', async () => {
  expect(guessLabel(await summarise('a,b\n1.5,2.5\n2.5,3.5\n'))).toMatchObject({ candidates: [] });
});

it('does not take a label of one value, or of too many, however it is named', async () => {
  const rows = Array.from({ length: 60 }, (_, row) => `${row},${row % 3},only`);
  expect(guessLabel(await summarise(`label,kind,class\n${rows.join('\n')}\n`))).toMatchObject({ label: 'kind' });
});
