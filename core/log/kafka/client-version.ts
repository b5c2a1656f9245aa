import { GaplineError } from '../../wire/errors.ts';
import type { ClientName } from './address.ts';

/**
 * @platformatic/kafka names Node 22.22 of the line 22 and 24.6, and Gapline itself runs on 22.18 and 24.4. Package managers read the range in
 * its manifest differently, so the package may be installed where nobody has tested it.
 * @throws {GaplineError} `config-invalid` where this Node is too old for the client of an address
 */
export function requireNodeFor(client: ClientName, version = process.versions.node): void {
  if (client === 'kafkajs') return;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 6) || (major === 22 && minor >= 22)) return;
  throw new GaplineError('config-invalid', `${needs} (this is ${version}): ${remedy}`, { retryable: false });
}

/** For an `import` of the package that fails: npm leaves it out on an older Node, and where optional packages are not wanted. */
export function explainMissingClient(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  const detail = 'platformatic:// needs the package @platformatic/kafka, which is not installed';
  throw new GaplineError('config-invalid', `${detail}: ${remedy}`, { cause: error, retryable: false });
}

const needs = 'platformatic:// needs Node 22.22 or newer of Node 22, or 24.6 or newer';
const remedy = 'install it, or use kafka://, which needs nothing more';
