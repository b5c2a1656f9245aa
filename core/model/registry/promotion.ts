import { GaplineError } from '../../wire/errors.ts';
import { challengerAlias, championAlias, previousAlias, type Registry } from './port.ts';

/** The part of a registry that a promotion needs. */
type Aliases = Pick<Registry, 'resolve' | 'point' | 'forget'>;

/** Which version served, and which does now. */
export interface Promotion {
  readonly from: number | undefined;
  readonly to: number;
}

/**
 * Makes a version the champion and the one that served `previous`. A promoted challenger is the challenger no longer.
 * @throws {GaplineError} `model-missing` where there is no such version.
 */
export async function promote(registry: Aliases, version: number): Promise<Promotion> {
  const from = await registry.resolve(championAlias);
  if (from === version) return { from, to: version };
  await registry.point(championAlias, version);
  if (from !== undefined) await registry.point(previousAlias, from);
  if ((await registry.resolve(challengerAlias)) === version) await registry.forget(challengerAlias);
  return { from, to: version };
}

/**
 * Gives the line back to the version that served before. A second time goes forward again.
 * @throws {GaplineError} `model-missing` where no version served before.
 */
export async function rollback(registry: Aliases): Promise<Promotion> {
  const previous = await registry.resolve(previousAlias);
  if (previous === undefined) {
    throw new GaplineError(
      'model-missing',
      'no version served before the present one; `gapline models list` shows all',
    );
  }
  return await promote(registry, previous);
}
