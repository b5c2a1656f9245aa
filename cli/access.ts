import { join } from 'node:path';
import type { Logger } from 'pino';
import { Access } from '../core/access/access.ts';
import type { RateLimits } from '../core/access/guard.ts';
import { requireTokens } from '../core/access/require-tokens.ts';
import { readTls, type TlsFiles } from '../core/http/tls.ts';
import { GaplineError } from '../core/wire/errors.ts';

/** Where the hashes of tokens are kept. */
export const tokensFile = (dataFolder: string): string => join(dataFolder, 'tokens.json');

/** The options of an HTTP endpoint on the command line. */
export interface ServerOptions {
  readonly host: string;
  readonly data: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly ratePerToken?: number;
  readonly ratePerAddress?: number;
}

/** How collector, live page and model server are guarded. */
export interface ServerAccess {
  readonly access: Access;
  readonly rateLimits: RateLimits;
  readonly tls?: TlsFiles;
}

/**
 * Guards an endpoint: who has access, how often, and by which certificate. Holders of a token of the file or of the environment have access;
 * everyone on this machine where there is neither.
 * @param what - what would be open, for the one who reads the error
 * @param ownToken - for the requests of this process to its own endpoint
 * @throws {GaplineError} `access-required` where there is no token and other machines could come in; `config-invalid` for files that cannot be used
 */
export function serverAccess(what: string, options: ServerOptions, logger: Logger, ownToken?: string): ServerAccess {
  const { host, data, ratePerToken = 0, ratePerAddress = 0 } = options;
  const token = process.env.GAPLINE_TOKEN;
  const access = new Access({
    file: tokensFile(data),
    ...(token && { token }),
    ...(ownToken && { ownToken }),
    logger,
  });
  // Watches the file for as long as the process lives.
  access.start();
  requireTokens(what, host, access);
  const tls = tlsFiles(options);
  return { access, rateLimits: { perToken: ratePerToken, perAddress: ratePerAddress }, ...(tls && { tls }) };
}

/** Reads both once, so that a mistake is reported before anything starts. */
export function tlsFiles({ tlsCert, tlsKey }: Pick<ServerOptions, 'tlsCert' | 'tlsKey'>): TlsFiles | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new GaplineError('config-invalid', '--tls-cert and --tls-key belong together, and one is missing');
  }
  const files = { certFile: tlsCert, keyFile: tlsKey };
  readTls(files);
  return files;
}
