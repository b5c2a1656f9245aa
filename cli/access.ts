import { join } from 'node:path';
import type { Logger } from 'pino';
import { Access } from '../core/access/access.ts';
import { demandTokens } from '../core/access/surroundings.ts';

/** Where the hashes of tokens are kept. */
export const tokensFile = (dataFolder: string): string => join(dataFolder, 'tokens.json');

export interface AccessOptions {
  /** What would be open, for the one who reads the refusal. */
  readonly what: string;
  readonly dataFolder: string;
  readonly host: string;
  readonly logger: Logger;
  /** For the requests of this process to its own door. */
  readonly ownToken?: string;
}

/**
 * Who may come in: holders of a token of the file or of the environment; everyone on this machine where there is neither.
 * @throws {GaplineError} `access-required` where there is neither and other machines could come in
 */
export function openAccess({ what, dataFolder, host, logger, ownToken }: AccessOptions): Access {
  const token = process.env.GAPLINE_TOKEN;
  const access = new Access({
    file: tokensFile(dataFolder),
    ...(token && { token }),
    ...(ownToken && { ownToken }),
    logger,
  });
  // Watches the file for as long as the process lives.
  access.start();
  demandTokens(what, host, access);
  return access;
}
