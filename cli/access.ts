import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Access } from '../core/access/access.ts';
import { isLoopback } from '../core/access/surroundings.ts';

/** Where the hashes of tokens are kept. */
export const tokensFile = (dataFolder: string): string => join(dataFolder, 'tokens.json');

export interface AccessOptions {
  readonly dataFolder: string;
  readonly host: string;
  readonly logger: Logger;
}

/** Who may come in, where tokens were made or the environment holds one; else everyone who can reach the door may, and the log says so. */
export function openAccess({ dataFolder, host, logger }: AccessOptions): { access?: Access } {
  const file = tokensFile(dataFolder);
  const token = process.env.GAPLINE_TOKEN;
  if (token || existsSync(file)) {
    const access = new Access({ file, ...(token && { token }), logger });
    // Watches the file for as long as the process lives.
    access.start();
    return { access };
  }
  if (!isLoopback(host)) {
    logger.warn(
      `listening on ${host} without tokens: everyone who can reach it may come in; \`gapline tokens add\` makes one`,
    );
  }
  return {};
}
