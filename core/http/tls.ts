import { statSync } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { readWholeSync } from '../files/whole.ts';
import { describeError, GaplineError } from '../wire/errors.ts';

/** A chain of certificates is some kilobytes. */
const mostBytes = 1_000_000;

export interface TlsFiles {
  /** PEM: the certificate chain, the server's own certificate first. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
}

/**
 * Reads certificate and key.
 * @throws {GaplineError} `config-invalid` where a file cannot be read or the two do not belong together
 */
export function readTls({ certFile, keyFile }: TlsFiles): SecureContextOptions {
  try {
    const options: SecureContextOptions = {
      cert: readWholeSync(certFile, mostBytes),
      key: readWholeSync(keyFile, mostBytes),
      minVersion: 'TLSv1.2',
    };
    createSecureContext(options);
    return options;
  } catch (error) {
    // OpenSSL's messages contain nothing of the files' content.
    throw new GaplineError('config-invalid', `TLS with ${certFile} and ${keyFile}: ${describeError(error)}`);
  }
}

/**
 * Reloads the certificate of a running server whenever a file changes. If the new pair is not valid, the server keeps the old one.
 * @returns a function that ends this
 */
export function reloadTls(files: TlsFiles, server: Server, logger: Logger, checkEveryMs = 1_000): () => void {
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

/** What changes when one of the files is written or replaced. */
function fingerprints({ certFile, keyFile }: TlsFiles): string {
  return [certFile, keyFile]
    .map((file) => {
      const stats = statSync(file, { throwIfNoEntry: false });
      return `${stats?.ino} ${stats?.mtimeMs} ${stats?.size}`;
    })
    .join(', ');
}
