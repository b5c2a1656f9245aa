import { GaplineError } from '../../core/wire/errors.ts';
import { sqliteCode, sqliteCodes } from '../../core/wire/sqlite-code.ts';

/** Primary result codes that are about the machine, not about the file: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, AUTH. */
const environmental = new Set([3, 5, 6, 7, 8, 10, 13, 14, 23]);

/** Whether an error means that the file is no valid spool, or that a part of it cannot be read. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  if (code === undefined) return false;
  // SQLITE_IOERR_READ and SQLITE_IOERR_SHORT_READ: a bad sector, a file that ends too early.
  const { errcode } = error as Error & { errcode: number };
  return !environmental.has(code) || errcode === 266 || errcode === 522;
}

/** The error of an operation on a file that is not damaged. */
export function spoolFault(file: string, cause: unknown): GaplineError {
  if (sqliteCode(cause) !== sqliteCodes.full) return spoolUnusable(file, cause);
  return new GaplineError('spool-full', `the disk under ${file} is full`, { cause, retryable: true });
}

export function spoolUnusable(file: string, cause: unknown): GaplineError {
  const detail =
    sqliteCode(cause) === sqliteCodes.busy ? `${file} is in use by another collector` : `${file} cannot be used`;
  return new GaplineError('spool-unusable', detail, { cause, retryable: true });
}
