import { stat } from 'node:fs/promises';
import type { ModelSource, ModelWatcher } from '../core/model/model.ts';
import { poll } from '../core/model/poll.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { ModelChoice } from './model-choice.ts';

/** How often stream.yaml is looked at; mounted files send no events. */
const pollEveryMs = 1_000;

type Watched = Parameters<NonNullable<ModelSource['watch']>>[0];

/**
 * The model that stream.yaml names, followed while the line runs: its alias as it moves, the `model` keys as they are edited, and what
 * was chosen in place of them.
 */
function followModels(loaded: LoadedConfig, choice: ModelChoice): ModelSource {
  return {
    current: () => choice.models.current(),
    load: (version) => choice.models.load(version),
    watch: (serving, watcher) => watchConfig(loaded, choice, serving, watcher),
  };
}

/** The versions that a classifier works with: the one that serves, and in its shadow the challenger. */
export function openServing(loaded: LoadedConfig, choice = new ModelChoice(loaded)) {
  const challengers = {
    resolve: () => choice.models.resolve(choice.challenger),
    load: (version: number) => choice.models.load(version),
  };
  const { classifier, steps } = loaded.config;
  return {
    models: followModels(loaded, choice),
    challengers,
    configuredSteps: steps,
    driftThreshold: classifier.driftThreshold,
  };
}

function watchConfig(
  loaded: LoadedConfig,
  choice: ModelChoice,
  first: Watched,
  watcher: ModelWatcher,
): { stop(): Promise<void> } {
  let serving = first;
  let model = JSON.stringify(loaded.config.model);
  let seen: number | undefined;
  const follow = (models: ModelSource, from: Watched) =>
    models.watch?.(from, {
      onChange(next) {
        serving = next;
        watcher.onChange(next);
      },
      onRefused: (error) => watcher.onRefused(error),
      onRegistry: (error) => watcher.onRegistry?.(error),
      onHistory: (promotions) => watcher.onHistory?.(promotions),
    });
  let registry = follow(choice.models, serving);

  async function look(stopping: AbortSignal): Promise<void> {
    const { mtimeMs } = await stat(loaded.file);
    if (mtimeMs === seen) return;
    const config = loadConfig(loaded.file, loaded.overrides);
    seen = mtimeMs;
    const wanted = JSON.stringify(config.config.model);
    if (wanted === model || stopping.aborted) return;
    model = wanted;
    await registry?.stop();
    // Version 0 is none: whatever this name and alias stand for is another model than the one that serves.
    registry = follow(choice.follow(config), { ...serving, identity: { ...serving.identity, version: 0 } });
  }

  const looking = poll({ everyMs: pollEveryMs, look, refused: (error) => watcher.onRefused(error) });
  return {
    async stop() {
      await looking.stop();
      await registry?.stop();
    },
  };
}
