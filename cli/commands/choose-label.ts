import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { guessLabel, type LabelCandidate } from '../../core/dataset/label.ts';
import { findColumn } from '../../core/dataset/roles.ts';
import type { Survey } from '../../core/dataset/survey.ts';
import { GaplineError, oneLine } from '../../core/wire/errors.ts';
import { printableLines } from '../../core/wire/printable.ts';
import { shorten } from '../../core/wire/problem.ts';

export interface LabelChoice {
  readonly label: string;
  readonly because: string;
  /** Nobody named it. */
  readonly guessed: boolean;
}

/** Where a person may be asked. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
}

/**
 * The label column: the one that is named, else a guess; where several would do a person at the terminal is asked.
 * @throws {GaplineError} `data-invalid` with the candidates where nobody can be asked.
 */
export async function chooseLabel(
  survey: Survey,
  named: string | undefined,
  terminal: Terminal = process,
): Promise<LabelChoice> {
  const { table, columns } = survey;
  if (named !== undefined) {
    findColumn(survey, named);
    return { label: named, because: 'as named', guessed: false };
  }
  const guess = guessLabel(columns);
  if ('label' in guess)
    return { label: guess.label, because: `guessed, ${guess.because}; --truth COLUMN names another`, guessed: true };
  if (guess.candidates.length > 0 && terminal.stdin.isTTY && terminal.stdout.isTTY)
    return { label: await ask(guess.candidates, terminal), because: 'as chosen', guessed: false };
  const names = guess.candidates.length > 0 ? guess.candidates.map(inWords) : columns.map(({ name }) => oneLine(name));
  throw new GaplineError(
    'data-invalid',
    `${table.name}: ${guess.because}; name it with --truth, one of ${shorten(names.join(', '), 1_000)}`,
  );
}

const inWords = ({ name, classes }: LabelCandidate): string =>
  `${oneLine(name)} (${classes.length} different: ${oneLine(shorten(classes.join(', '), 40))})`;

async function ask(candidates: readonly LabelCandidate[], { stdin, stdout }: Terminal): Promise<string> {
  const terminal = createInterface({ input: stdin, output: stdout });
  // Where the input ends, the question would wait for ever.
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
  terminal.once('close', () => end(undefined));
  try {
    const list = candidates.map((candidate, index) => `  ${index + 1}  ${inWords(candidate)}\n`).join('');
    stdout.write(printableLines(`Which column is the label?\n${list}`));
    for (;;) {
      const question = terminal.question(`1 to ${candidates.length}, or its name: `);
      const answer = (await Promise.race([question, ended]))?.trim();
      if (answer === undefined) throw noLabel();
      const chosen = candidates.find(({ name }) => name === answer) ?? candidates[Number(answer) - 1];
      if (chosen) return chosen.name;
    }
  } catch (cause) {
    stdout.write('\n');
    throw cause instanceof GaplineError ? cause : noLabel(cause);
  } finally {
    terminal.close();
  }
}

const noLabel = (cause?: unknown): GaplineError =>
  new GaplineError('data-invalid', 'no label was chosen, so nothing was made; --truth names it', { cause });
