import type { Logger } from 'pino';
import type { Model, ModelSource } from '../../core/model/model.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Promotion } from '../../core/wire/promotion.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { Labeller } from '../labeller.ts';
import type { Metrics } from '../metrics.ts';
import { describeOtherSteps } from '../other-steps.ts';
import { createStreamModel, describeModel } from '../stream-model.ts';
import { type ChallengerSource, followModels } from './following.ts';

export interface ModelChangesOptions {
  readonly stream: Stream;
  readonly models: ModelSource;
  readonly challengers?: ChallengerSource | undefined;
  readonly configuredSteps?: readonly StepSpec[] | undefined;
  readonly labeller: Labeller;
  readonly metrics: Metrics;
  readonly reporter: Reporter;
  readonly logger: Logger;
}

/** Follows which versions are champion and challenger, and hands each change to the labeller. */
export function followModelChanges(options: ModelChangesOptions): {
  readonly promotions: readonly Promotion[];
  stop(): Promise<void>;
} {
  const { stream, models, challengers, labeller, metrics, reporter, logger } = options;

  function onRefused(reason: string): void {
    metrics.refused();
    reporter.noteError(reason);
    logger.error(`refused, ${describeModel(labeller.champion.model.identity)} stays: ${reason}`);
  }

  let registryError: string | undefined;
  function onRegistry(reason: string | undefined): void {
    metrics.registry(reason === undefined);
    const stays = `${describeModel(labeller.champion.model.identity)} stays`;
    if (registryError !== undefined) reporter.endError(registryError);
    registryError = reason;
    if (reason === undefined) {
      logger.info(`the model registry responds again; ${stays} until it names another`);
      return;
    }
    reporter.noteError(reason);
    logger.warn(`${stays}: ${reason}`);
  }

  function onChampion(model: Model): void {
    const before = labeller.champion.model.identity;
    labeller.promote(createStreamModel(stream, model));
    metrics.changed();
    metrics.serving(model.identity.name, model.identity.version);
    logger.info(`${describeModel(model.identity)} replaces ${describeModel(before)}`);
    const otherSteps = describeOtherSteps(model, options.configuredSteps);
    if (otherSteps !== undefined) logger.warn(otherSteps);
  }

  function onChallenger(model: Model | undefined): void {
    try {
      labeller.setChallenger(model && createStreamModel(stream, model));
      logger.info(model ? `${describeModel(model.identity)} labels in the shadow` : 'nothing labels in the shadow');
    } catch (error) {
      onRefused(describeError(error));
      void model?.close();
    }
  }

  /** The champion is not compared with itself. */
  async function resolveChallenger(): Promise<number | undefined> {
    const version = await challengers?.resolve();
    return version === labeller.champion.model.identity.version ? undefined : version;
  }

  let promotions: readonly Promotion[] = [];
  const following = followModels({
    ...{ models, logger, champion: labeller.champion.model },
    challengers: challengers && { resolve: resolveChallenger, load: (version) => challengers.load(version) },
    ...{ onChampion, onChallenger, onRefused, onRegistry },
    onHistory(last) {
      promotions = last;
    },
  });
  return {
    /** The last changes of the version that serves, oldest first; empty where nobody wrote any down. */
    get promotions() {
      return promotions;
    },
    stop: () => following.stop(),
  };
}
