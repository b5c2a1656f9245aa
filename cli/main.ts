import { CommanderError } from 'commander';
import { explainFileError } from '../core/files/fault.ts';
import { describeError, describeWithRemedy, GaplineError } from '../core/wire/errors.ts';
import { complain } from './print.ts';
import { createProgram } from './program.ts';

/** One line: what is wrong and what to do; the stack only for what nobody foresaw, and only when asked for. */
function report(error: unknown): void {
  const known = error instanceof GaplineError ? error : explainFileError(error);
  if (known) {
    complain(`gapline: ${describeWithRemedy(known, known.code)}\n`);
    return;
  }
  complain(`gapline: ${describeError(error)} [internal]\n`);
  if (process.env.GAPLINE_DEBUG && error instanceof Error) complain(`${error.stack}\n`);
}

// Output that nobody reads any more, or that goes to a full disk, is no reason to stop a line.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  report(error);
  process.exit(1);
}
