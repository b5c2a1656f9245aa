import { buildChain } from '../core/steps/chain.ts';
import { loadOwnSteps } from '../core/steps/load.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import type { LoadedConfig } from './config/load.ts';
import { openModels } from './stream.ts';

/**
 * How the model that serves cuts its windows: length in seconds and samples a second. Without a model, the steps of the configuration.
 * @returns undefined where it labels readings, or where nothing says how many samples a second there are
 */
export async function windowShapeOf(
  loaded: LoadedConfig,
  fields: readonly string[],
): Promise<{ seconds: number; rate: number } | undefined> {
  const models = openModels(loaded);
  const version = await models.serving();
  const { steps = [], channels = fields } =
    version === undefined ? { steps: loaded.config.steps } : await models.manifest(version);
  const specs = steps as readonly StepSpec[];
  if (specs.length === 0) return undefined;
  const { rate, windows } = buildChain(specs, channels, await loadOwnSteps(specs, loaded.folder)).shape;
  return windows && rate !== undefined ? { seconds: windows.lengthNs / 1e9, rate } : undefined;
}
