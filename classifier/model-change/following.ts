import type { Logger } from 'pino';
import type { Model, ModelSource } from '../../core/model/model.ts';
import { poll } from '../../core/model/poll.ts';
import { isRegistryFault } from '../../core/model/registry/watch.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Promotion } from '../../core/wire/promotion.ts';

/** Where a challenger comes from, if there is one. */
export interface ChallengerSource {
  /** The version that is to label in the shadow, or undefined. */
  resolve(): Promise<number | undefined>;
  /** Loads a version. The caller closes it. */
  load(version: number): Promise<Model>;
}

export interface FollowOptions {
  readonly models: ModelSource;
  readonly challengers: ChallengerSource | undefined;
  readonly champion: Model;
  readonly logger: Logger;
  /** Neither may throw. */
  readonly onChampion: (model: Model) => void;
  readonly onChallenger: (model: Model | undefined) => void;
  readonly onRefused: (reason: string) => void;
  /** The registry does not respond, and why; undefined once it does again. */
  readonly onRegistry: (reason: string | undefined) => void;
  /** The last changes of the version that serves. */
  readonly onHistory: (promotions: readonly Promotion[]) => void;
  /** How often to look for a challenger. Default 1 s. */
  readonly everyMs?: number;
}

/** Watches which versions are champion and challenger. */
export function followModels(options: FollowOptions): { stop(): Promise<void> } {
  const { models, champion, onChampion, onRefused, challengers } = options;
  const watch = models.watch?.(champion, {
    onChange: onChampion,
    onRefused: (error) => onRefused(describeError(error)),
    onRegistry: (error) => options.onRegistry(error === undefined ? undefined : describeError(error)),
    onHistory: options.onHistory,
  });
  const challengerWatch = challengers && followChallenger(challengers, options);
  return {
    async stop() {
      await Promise.all([watch?.stop(), challengerWatch?.stop()]);
    },
  };
}

/** A version that could not be loaded is tried again after so many looks: its files may have been put right. */
const looksBeforeRetry = 30;

function followChallenger(source: ChallengerSource, { onChallenger, onRefused, everyMs = 1_000 }: FollowOptions) {
  let present: number | undefined;
  let refused: { readonly version: number; readonly error: unknown; looks: number } | undefined;

  async function load(version: number): Promise<Model> {
    // Until it is tried again, it is refused for the same reason.
    if (refused?.version === version && ++refused.looks < looksBeforeRetry) throw refused.error;
    try {
      return await source.load(version);
    } catch (error) {
      refused = { version, error, looks: 0 };
      throw error;
    }
  }

  async function look(stopping: AbortSignal): Promise<void> {
    const version = await source.resolve();
    if (version === present) return;
    const model = version === undefined ? undefined : await load(version);
    if (stopping.aborted) return await model?.close();
    present = version;
    refused = undefined;
    onChallenger(model);
  }

  return poll({
    ...{ everyMs, atOnce: true, look },
    refused(error) {
      // The champion's watch reports that.
      if (!isRegistryFault(error)) onRefused(`challenger: ${describeError(error)}`);
    },
  });
}
