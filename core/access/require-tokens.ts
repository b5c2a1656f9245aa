import { isLoopback } from '../http/origin.ts';
import { GaplineError } from '../wire/errors.ts';
import type { Access } from './access.ts';

/**
 * Checks that a server which other machines reach has tokens.
 * @param what the server, in words
 * @throws {GaplineError} `access-required`
 */
export function requireTokens(what: string, host: string, access: Access): void {
  if (!access.open || isLoopback(host)) return;
  throw new GaplineError(
    'access-required',
    `${what} would listen on ${host} without tokens, open to everyone who can reach it`,
  );
}
