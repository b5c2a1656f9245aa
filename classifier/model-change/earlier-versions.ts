import type { Logger } from 'pino';
import type { Model, ModelIdentity } from '../../core/model/model.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { Metrics } from '../metrics.ts';
import { createStreamModel, describeModel, type StreamModel } from '../stream-model.ts';
import type { SavedSession } from './checkpoint.ts';
import { RetryBudget } from './retry-budget.ts';

export interface EarlierVersionsOptions {
  readonly stream: Stream;
  readonly metrics: Metrics;
  readonly reporter: Reporter;
  readonly logger: Logger;
  /** Loads a version of the model that serves; absent where there is one only. */
  readonly loadVersion?: ((version: number) => Promise<Model>) | undefined;
  /** How long a version that has rows to complete may be unavailable. Default 60 s. */
  readonly finishingMs?: number | undefined;
}

/** Versions that do not serve any more but complete the rows that had begun under them: where they come from, and how they are given up. */
export class EarlierVersions {
  readonly #options: EarlierVersionsOptions;
  readonly retries: RetryBudget;
  readonly #loading = new Map<number, Promise<StreamModel>>();

  constructor(options: EarlierVersionsOptions) {
    this.#options = options;
    this.retries = new RetryBudget(options.finishingMs ?? 60_000);
  }

  /**
   * Loads the version that saved a session. Where it is to be given up, returns why.
   * @throws the retryable error with which it cannot be loaded, until it is given up
   */
  async load({ name, version }: SavedSession, partition: number): Promise<StreamModel | string> {
    const waited = `${partition} ${name} ${version}`;
    try {
      const found = await this.#load(version);
      this.retries.restored(waited);
      if (found.model.identity.name === name) return found;
      await found.model.close();
      return 'the line has another model now';
    } catch (error) {
      const why = this.retries.exhausted(waited, error);
      if (why === undefined) throw error;
      return why;
    }
  }

  /** Says and counts that rows which had begun under a version are not completed. */
  giveUp(identity: ModelIdentity, why: string): void {
    const { metrics, reporter, logger } = this.#options;
    const text = `${describeModel(identity)} does not complete the windows that had begun under it: ${why}`;
    metrics.unfinished();
    reporter.noteError(text);
    logger.error(text);
  }

  /** Partitions that are assigned together share one. */
  #load(version: number): Promise<StreamModel> {
    const { stream, loadVersion } = this.#options;
    const known = this.#loading.get(version);
    if (known) return known;
    const loading = (async () => {
      if (!loadVersion) throw new Error('it cannot be loaded here');
      return createStreamModel(stream, await loadVersion(version));
    })().finally(() => this.#loading.delete(version));
    this.#loading.set(version, loading);
    return loading;
  }
}
