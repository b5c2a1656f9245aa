import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Survey, surveyTable } from '../../core/dataset/survey.ts';
import { chooseLabel, type Terminal } from './choose-label.ts';

let folder = '';
let survey: Survey;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-choose-'));
  const rows = Array.from({ length: 60 }, (_, row) => `${row % 3},${row % 4},${(row * 7.31).toFixed(2)}\n`);
  await writeFile(join(folder, 'table.csv'), `grade,level,flow\n${rows.join('')}`);
  survey = await surveyTable([join(folder, 'table.csv')]);
});
afterAll(() => rm(folder, { recursive: true }));

/** A terminal of a person who types an answer to each question. */
function terminal(...answers: string[]): Terminal & { readonly shown: () => string } {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stdout = Object.assign(new PassThrough(), { isTTY: true });
  let shown = '';
  stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    if (text.includes('or its name: ')) stdin.write(answers.shift() ?? '');
  });
  return { stdin, stdout, shown: () => shown };
}

describe('where several columns may be the label', () => {
  it('a person at a terminal is asked until a candidate is named, by its number or its name', async () => {
    const asked = terminal('7\n', 'flow\n', '2\n');
    const choice = await chooseLabel(survey, undefined, asked);
    expect(choice).toEqual({ label: 'level', because: 'as chosen', guessed: false });
    expect(asked.shown()).toContain('  1  grade (3 different: 0, 1, 2)\n  2  level (4 different: 0, 1, 2, 3)\n');
    expect(asked.shown().match(/1 to 2, or its name: /g)?.length).toBeGreaterThanOrEqual(3);
    expect((await chooseLabel(survey, undefined, terminal('grade\n'))).label).toBe('grade');
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s ends it with what to do', async (_, key) => {
    await expect(chooseLabel(survey, undefined, terminal(key))).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringContaining('--truth'),
    });
  });

  it('an input that ends does so too', async () => {
    const asked = terminal();
    const choosing = chooseLabel(survey, undefined, asked);
    (asked.stdin as PassThrough).end();
    await expect(choosing).rejects.toThrow('no label was chosen');
  });

  it('nobody is asked in a pipe: it ends with the candidates', async () => {
    const pipe = { stdin: new PassThrough(), stdout: new PassThrough() };
    await expect(chooseLabel(survey, undefined, pipe)).rejects.toThrow(/--truth, one of grade \(3 different/);
  });
});
