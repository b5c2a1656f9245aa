import { findPackageJSON } from 'node:module';
import { GaplineError } from '../../wire/errors.ts';
import type { ClientName } from './address.ts';

/**
 * The client by which groups consume and commit: the one that an address names, else @platformatic/kafka where it can be had. It names Node
 * 22.22 of the line 22 and 24.6, and Gapline itself runs on 22.18 and 24.4; package managers read the range in its manifest differently,
 * so it may be installed where nobody has tested it, and npm leaves it out where optional packages are not wanted.
 * @throws {GaplineError} `config-invalid` where the address names a client that this machine does not have
 */
export function clientFor(
  named: ClientName | undefined,
  version = process.versions.node,
  isInstalled = hasPlatformatic(),
): ClientName {
  if (named === 'kafkajs') return named;
  if (isTested(version) && isInstalled) return 'platformatic';
  if (named === undefined) return 'kafkajs';
  const lack = isTested(version) ? notInstalled : `${tooOld} (this is ${version})`;
  throw new GaplineError('config-invalid', `${lack}: ${remedy}`, { retryable: false });
}

function isTested(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 6) || (major === 22 && minor >= 22);
}

/** The package is looked for, not loaded: only a process with groups needs it. */
function hasPlatformatic(): boolean {
  try {
    return findPackageJSON('@platformatic/kafka', import.meta.url) !== undefined;
  } catch {
    return false;
  }
}

const notInstalled = 'platformatic:// needs the package @platformatic/kafka, which is not installed';
const tooOld = 'platformatic:// needs Node 22.22 or newer of Node 22, or 24.6 or newer';
const remedy = 'install it, or use kafka://, which needs nothing more';
