import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { readWholeSync } from '../files/whole.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import { validate } from '../wire/validate.ts';

/** What a token allows: `write` readings, `read` pages and predictions, or `admin`, which includes both and every control. */
export const scopes = ['write', 'read', 'admin'] as const;
export type Scope = (typeof scopes)[number];

const storedTokenSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'letters, digits, dot, dash and underscore, at most 100'),
  /** SHA-256 of the token: 32 random bytes need no salt and no slow hash. */
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal'),
  scopes: z.array(z.enum(scopes)).min(1),
  created: z.string(),
});
export type StoredToken = z.infer<typeof storedTokenSchema>;

const fileSchema = z.strictObject({ version: z.literal(1), tokens: z.array(storedTokenSchema).max(1_000) });

/** The hash by which a token is known. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * The tokens in a file; undefined where there is no such file.
 * @throws {GaplineError} `config-invalid` where it cannot be read
 */
export function readTokens(file: string): readonly StoredToken[] | undefined {
  let text: string;
  try {
    text = readWholeSync(file, 1_000_000).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new GaplineError('config-invalid', `${file}: cannot be read: ${describeError(error)}`);
  }
  try {
    return fileSchema.parse(JSON.parse(text)).tokens;
  } catch (error) {
    const detail = error instanceof z.ZodError ? z.prettifyError(error) : describeError(error);
    throw new GaplineError('config-invalid', `${file}: not a file of tokens: ${detail}`);
  }
}

/**
 * Makes a token and returns it. Only its hash is kept, so it can't be read again.
 * @throws {GaplineError} `config-invalid` where the name is taken or not valid
 */
export function addToken(file: string, name: string, allowed: readonly Scope[], now: Date): string {
  const tokens = readTokens(file) ?? [];
  if (tokens.some((token) => token.name === name)) {
    throw new GaplineError(
      'config-invalid',
      `there is a token ${name} already; revoke it first or choose another name`,
    );
  }
  const token = `gapline_${randomBytes(32).toString('base64url')}`;
  const added = { name, hash: hashToken(token).toString('hex'), scopes: [...allowed], created: now.toISOString() };
  const checked = validate(storedTokenSchema, added);
  if (!checked.success) throw new GaplineError('config-invalid', `token ${name}: ${z.prettifyError(checked.error)}`);
  writeTokens(file, [...tokens, checked.data]);
  return token;
}

/**
 * Revokes a token. Running processes notice within seconds.
 * @throws {GaplineError} `config-invalid` where there is none of this name
 */
export function revokeToken(file: string, name: string): void {
  const tokens = readTokens(file) ?? [];
  const left = tokens.filter((token) => token.name !== name);
  if (left.length === tokens.length) throw new GaplineError('config-invalid', `there is no token ${name} in ${file}`);
  writeTokens(file, left);
}

/** Replaces the file atomically; only its owner may read it. */
function writeTokens(file: string, tokens: readonly StoredToken[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.new`;
  const handle = openSync(beside, 'w', 0o600);
  try {
    writeSync(handle, `${JSON.stringify({ version: 1, tokens }, null, 2)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(beside, file);
}
