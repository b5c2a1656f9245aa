import { GaplineError } from '../wire/errors.ts';
import type { LogEngineKind, LogLocation } from './engine-kind.ts';
import * as engines from './engines.ts';
import type { EventLog } from './port.ts';

/**
 * The log at an address; only the engine that the address asks for is loaded.
 * @throws {GaplineError} `config-invalid` for an address that no engine takes.
 */
export async function openLogAt(location: LogLocation): Promise<EventLog> {
  const kinds: readonly LogEngineKind[] = Object.values(engines);
  const kind = kinds.find(({ takes }) => takes(location.url));
  if (kind) return kind.open(location);
  const forms = kinds
    .map(({ form }) => form)
    .sort((a, b) => (a < b ? 1 : -1))
    .join(' or ');
  throw new GaplineError('config-invalid', `--log ${location.url}: expected ${forms}`);
}
