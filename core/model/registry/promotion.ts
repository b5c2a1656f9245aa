import { GaplineError } from '../../wire/errors.ts';
import { challengerAlias, championAlias, previousAlias, type Registry } from './port.ts';

/** The part of a registry that a promotion needs. */
type Promotable = Pick<Registry, 'resolve' | 'point' | 'forget' | 'record' | 'history'>;

/** Which version served, and which does now. */
export interface Promotion {
  readonly from: number | undefined;
  readonly to: number;
}

/** For the history: who promotes, and why. */
export interface Reason {
  readonly who?: string;
  readonly by?: string;
}

/**
 * Makes a version the champion and the one that served `previous`. A promoted challenger is the challenger no longer. One that was
 * interrupted may be repeated: `previous` is moved before `champion`, so the version that served is never lost.
 * @throws {GaplineError} `model-missing` where there is no such version.
 */
export async function promote(registry: Promotable, version: number, reason: Reason = {}): Promise<Promotion> {
  const from = await registry.resolve(championAlias);
  if (from !== version) {
    await recordOnce(registry, { from, to: version }, reason);
    if (from !== undefined) await registry.point(previousAlias, from);
    await registry.point(championAlias, version);
  }
  if ((await registry.resolve(challengerAlias)) === version) await registry.forget(challengerAlias);
  return { from, to: version };
}

/** The move is written down before it is made, so that no line takes it for somebody else's; a repetition finds it there. */
async function recordOnce(registry: Promotable, { from, to }: Promotion, reason: Reason): Promise<void> {
  const last = (await registry.history()).at(-1);
  if (last?.to === to && last.from === from) return;
  await registry.record({ at: new Date().toISOString(), ...(from !== undefined && { from }), to, ...reason });
}

/**
 * Gives the line back to the version that served before. A second time goes forward again. One that was interrupted is finished.
 * @throws {GaplineError} `model-missing` where no version served before.
 */
export async function rollback(registry: Promotable, who?: string): Promise<Promotion> {
  const serving = await registry.resolve(championAlias);
  const before = await registry.resolve(previousAlias);
  // Both name one version only in the middle of a promotion; then the history knows where it was going.
  const previous = before !== undefined && before === serving ? (await registry.history()).at(-1)?.to : before;
  if (previous === undefined) {
    throw new GaplineError(
      'model-missing',
      'no version served before the present one; `gapline models list` shows all',
    );
  }
  return await promote(registry, previous, { ...(who !== undefined && { who }), by: 'rollback' });
}
