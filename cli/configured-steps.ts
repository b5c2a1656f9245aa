import { buildChain } from '../core/steps/chain.ts';
import { loadOwnSteps } from '../core/steps/load.ts';
import { UnknownChannel } from '../core/steps/params.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { LoadedConfig } from './config/load.ts';

/** Stands for the channels where only the table tells them. */
const someChannels = ['value'];

/**
 * Refuses steps that cannot be made, before anything runs or a table is read. Where the configuration does not name the channels, one
 * that is not among `channels` may still be in the next table: training finds that out.
 * @throws {GaplineError} `config-invalid`, naming the step and the parameter
 */
export async function demandSteps(
  { config: { steps, data }, folder }: LoadedConfig,
  channels: readonly string[] = someChannels,
): Promise<void> {
  if (steps.length === 0) return;
  const own = await loadOwnSteps(steps, folder);
  try {
    buildChain(steps, data.fields ?? channels, own);
  } catch (error) {
    const mayBeKnownLater = error instanceof GaplineError && error.cause instanceof UnknownChannel;
    if (data.fields || !mayBeKnownLater) throw error;
  }
}
