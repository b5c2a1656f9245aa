import { describeError, GaplineError } from '../wire/errors.ts';
import { isDiskFull, sqliteCode } from '../wire/sqlite-code.ts';

/** What the system's codes mean, in words. Others are told as the system tells them. */
const meanings: Readonly<Record<string, string>> = {
  EROFS: 'its file system is read-only',
  EACCES: 'access is denied',
  EPERM: 'this is not permitted',
  ENOTDIR: 'a file stands where a folder should be',
  EEXIST: 'a file stands where a folder should be',
  EISDIR: 'it is a folder, where a file should be',
  ENOTEMPTY: 'the folder is not empty',
  ENOENT: 'it is not there',
  ELOOP: 'links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'this process has too many files open; raise the limit (ulimit -n)',
  ENFILE: 'the machine has too many files open',
  EIO: 'the disk fails',
  EBUSY: 'it is in use',
  ETXTBSY: 'it is in use',
  EXDEV: 'it is on another file system',
};

/** Primary result codes of SQLite about its file: https://sqlite.org/rescode.html */
const sqliteMeanings: Readonly<Record<number, string>> = {
  3: 'access is denied',
  8: 'it is read-only',
  10: 'the disk fails',
  14: 'it cannot be opened: access is denied, its file system is read-only, or it is a folder',
  23: 'access is denied',
};

/**
 * What the system says of a file as an error with a code and a remedy: `disk-full` or `file-unusable`. Undefined for any other error.
 * @param file - which one it is about, where the error does not say
 */
export function explainFileError(error: unknown, file?: string): GaplineError | undefined {
  if (!(error instanceof Error) || error instanceof GaplineError) return undefined;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  const sqlite = sqliteMeanings[sqliteCode(error) ?? -1];
  // Node says so, too, of a folder on a file system that is read-only.
  const unmade =
    code === 'ENOENT' && syscall === 'mkdir'
      ? 'it cannot be made: the file system is read-only, or a name on the way leads nowhere'
      : undefined;
  const meaning = sqlite ?? unmade ?? (syscall === undefined ? undefined : meanings[code ?? '']);
  const place = path ?? file;
  const where = place === undefined ? '' : `${place}: `;
  if (isDiskFull(error))
    return new GaplineError('disk-full', `${where}the disk is full`, { cause: error, retryable: true });
  // Errors of the network have such codes too, but no path.
  if (meaning === undefined || place === undefined) return undefined;
  return new GaplineError('file-unusable', `${where}${meaning} (${code ?? describeError(error)})`, {
    retryable: false,
  });
}
