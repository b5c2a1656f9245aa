import { randomBytes } from 'node:crypto';
import { GaplineError } from '../../core/wire/errors.ts';
import { validate } from '../../core/wire/validate.ts';
import { nameSchema } from '../http/operation.ts';
import type { Passwords } from './passwords.ts';
import type { Users } from './users.ts';

export interface FirstAdmin {
  /** Default `admin`. */
  readonly name?: string | undefined;
  /** Default: a random one, which is told once. */
  readonly password?: string | undefined;
}

/**
 * Makes the first administrator where there are no users yet.
 * @returns the password that was made, where none was given; undefined where nothing is to be told
 * @throws {GaplineError} `config-invalid` where name or password cannot be used
 */
export async function makeFirstAdmin(
  { name = 'admin', password }: FirstAdmin,
  users: Users,
  passwords: Passwords,
): Promise<{ readonly name: string; readonly password: string } | undefined> {
  if (!users.isEmpty) return undefined;
  if (!validate(nameSchema, name).success)
    throw new GaplineError('config-invalid', 'GAPLINE_ADMIN_USER: letters, digits, dot, dash, underscore and @');
  if (password !== undefined && (password.length < 10 || password.length > 256))
    throw new GaplineError('config-invalid', 'GAPLINE_ADMIN_PASSWORD: expected 10 to 256 characters');
  const made = password ?? randomBytes(18).toString('base64url');
  users.add(name, await passwords.hash(made), [{ role: 'admin', stream: '*' }]);
  return password === undefined ? { name, password: made } : undefined;
}
