import { createInterface } from 'node:readline/promises';
import { guessLabel, type LabelCandidate } from '../../core/dataset/label.ts';
import { findColumn } from '../../core/dataset/roles.ts';
import type { Survey } from '../../core/dataset/survey.ts';
import { GaplineError, oneLine } from '../../core/wire/errors.ts';
import { shorten } from '../../core/wire/problem.ts';
import { print } from '../print.ts';

export interface LabelChoice {
  readonly label: string;
  readonly because: string;
}

/**
 * The label column: the one that is named, else a guess; where several would do a person at the terminal is asked.
 * @throws {GaplineError} `data-invalid` with the candidates where nobody can be asked.
 */
export async function chooseLabel(survey: Survey, named: string | undefined): Promise<LabelChoice> {
  const { table, columns } = survey;
  if (named !== undefined) {
    findColumn(survey, named);
    return { label: named, because: 'as named' };
  }
  const guess = guessLabel(columns);
  if ('label' in guess)
    return { label: guess.label, because: `guessed, ${guess.because}; --truth COLUMN names another` };
  if (guess.candidates.length > 0 && process.stdin.isTTY && process.stdout.isTTY)
    return { label: await ask(guess.candidates), because: 'as chosen' };
  const names = guess.candidates.length > 0 ? guess.candidates.map(inWords) : columns.map(({ name }) => oneLine(name));
  throw new GaplineError(
    'data-invalid',
    `${table.name}: ${guess.because}; name it with --truth, one of ${shorten(names.join(', '), 1_000)}`,
  );
}

const inWords = ({ name, classes }: LabelCandidate): string =>
  `${oneLine(name)} (${classes.length} different: ${oneLine(shorten(classes.join(', '), 40))})`;

async function ask(candidates: readonly LabelCandidate[]): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const list = candidates.map((candidate, index) => `  ${index + 1}  ${inWords(candidate)}\n`).join('');
    print(`Which column is the label?\n${list}`);
    for (;;) {
      const answer = (await terminal.question(`1 to ${candidates.length}, or its name: `)).trim();
      const chosen = candidates.find(({ name }) => name === answer) ?? candidates[Number(answer) - 1];
      if (chosen) return chosen.name;
    }
  } finally {
    terminal.close();
  }
}
