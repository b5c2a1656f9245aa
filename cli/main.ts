import { CommanderError } from 'commander';
import { describeError, errorCatalog, GaplineError } from '../core/wire/errors.ts';
import { createProgram } from './program.ts';

/** One line: what is wrong and what to do; the stack only for what nobody foresaw, and only when asked for. */
function report(error: unknown): void {
  if (error instanceof GaplineError) {
    process.stderr.write(`gapline: ${describeError(error)}. ${errorCatalog[error.code].remedy} [${error.code}]\n`);
    return;
  }
  process.stderr.write(`gapline: ${describeError(error)} [internal]\n`);
  if (process.env.GAPLINE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  report(error);
  process.exit(1);
}
