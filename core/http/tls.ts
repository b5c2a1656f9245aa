import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { describeError, GaplineError } from '../wire/errors.ts';

export interface TlsFiles {
  /** PEM: the certificate, followed by those that vouch for it. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
}

/** What a TLS server is that can take a new certificate while it runs. */
export interface Renewable {
  setSecureContext(options: SecureContextOptions): void;
}

/**
 * Reads certificate and key.
 * @throws {GaplineError} `config-invalid` where a file cannot be read or the two do not belong together
 */
export function readTls({ certFile, keyFile }: TlsFiles): SecureContextOptions {
  try {
    const options: SecureContextOptions = {
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.2',
    };
    createSecureContext(options);
    return options;
  } catch (error) {
    // OpenSSL's messages name no content of the files.
    throw new GaplineError('config-invalid', `TLS with ${certFile} and ${keyFile}: ${describeError(error)}`);
  }
}

/** Takes a renewed certificate into a running server. A pair that does not fit leaves the old one in place. Gives what ends it. */
export function renewTls(files: TlsFiles, server: Renewable, logger: Logger, checkEveryMs = 1_000): () => void {
  let seen = fingerprints(files);
  const timer = setInterval(() => {
    const now = fingerprints(files);
    if (now === seen) return;
    seen = now;
    try {
      server.setSecureContext(readTls(files));
      logger.info({ certFile: files.certFile }, 'a renewed certificate is in use');
    } catch (error) {
      logger.error(`the certificate stays as it was: ${describeError(error)}`);
    }
  }, checkEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

function fingerprints({ certFile, keyFile }: TlsFiles): string {
  return [certFile, keyFile]
    .map((file) => {
      const stats = statSync(file, { throwIfNoEntry: false });
      return `${stats?.ino} ${stats?.mtimeMs} ${stats?.size}`;
    })
    .join(', ');
}
