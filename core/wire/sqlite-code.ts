/** Primary result codes of SQLite that mean something to us: https://sqlite.org/rescode.html */
export const sqliteCodes = { busy: 5, locked: 6, corrupt: 11, full: 13, notADatabase: 26 } as const;

/** The primary result code of an error of SQLite; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  // The low byte is the primary code, the rest says more.
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
}

/** Whether another process holds the file. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === sqliteCodes.busy || code === sqliteCodes.locked;
}

/** Whether there was no room on the disk, as SQLite or Node says it. */
export function isDiskFull(error: unknown): boolean {
  if (sqliteCode(error) === sqliteCodes.full) return true;
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
