import { explainFileError } from '../../files/fault.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { sqliteCode, sqliteCodes } from '../../wire/sqlite-code.ts';

/** Bytes of the log that cannot be read. */
export function damaged(file: string, what: string, cause: unknown): GaplineError {
  const detail = `${file} is damaged: ${what}: ${describeError(cause)}`;
  return new GaplineError('log-corrupt', detail, { cause, retryable: false });
}

/** An error of SQLite as one of the log. */
export function logError(file: string, error: unknown): GaplineError {
  if (error instanceof GaplineError) return error;
  const code = sqliteCode(error);
  if (code === sqliteCodes.notADatabase) {
    return new GaplineError('log-corrupt', `${file} is not a log: it is no SQLite database`, { retryable: false });
  }
  if (code === sqliteCodes.corrupt) {
    return new GaplineError('log-corrupt', `${file} is damaged: ${describeError(error)}`, {
      cause: error,
      retryable: false,
    });
  }
  // A file that was opened once may be usable again: its volume is read-only for a while, say.
  const refused = explainFileError(error, file);
  const detail = refused?.message ?? `${file}: ${describeError(error)}`;
  return new GaplineError(refused?.code ?? 'log-unavailable', detail, { cause: error, retryable: true });
}

/** Runs work on a file, and turns its errors into errors of the log. */
export function inTermsOfLog<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw logError(file, error);
  }
}
