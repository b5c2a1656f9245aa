import { randomBytes } from 'node:crypto';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readWholeSync } from '../../core/files/whole.ts';
import { GaplineError } from '../../core/wire/errors.ts';

const bytes = 32;

/**
 * The secret that signs tokens: made at the first start and kept with the data, readable by its owner only.
 * @throws {GaplineError} `file-unusable` where the file is no such secret, or others may read it
 */
export function readOrMakeSecret(file: string): Uint8Array {
  mkdirSync(dirname(file), { recursive: true });
  try {
    // `wx` fails where there is a file: of two processes that start at once, one makes the secret.
    writeFileSync(file, `${randomBytes(bytes).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const text = readWholeSync(file, 1_000).toString('utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new GaplineError(
      'file-unusable',
      `${file}: not a secret of the gateway; remove it, and everybody signs in again`,
    );
  const { mode } = statSync(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new GaplineError('file-unusable', `${file}: others may read the secret; make a new one, or chmod 600`);
  return Buffer.from(text, 'hex');
}
