import type { Logger } from 'pino';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { Model, ModelSource } from './model.ts';

interface Loaded {
  readonly model: Model;
  /** Requests that use it now. */
  users: number;
}

interface ServedModelOptions {
  readonly models: ModelSource;
  readonly logger: Logger;
  /** Called with each version that is served from now on, before the one before is closed; with none at the end. */
  readonly serves?: ((model: Model | undefined) => void) | undefined;
}

/** The version that is served now. A change takes effect at once; the old version is closed after its last request. */
export function createServedModel({ models, logger, serves }: ServedModelOptions) {
  let current: Loaded | undefined;
  let watch: { stop(): Promise<void> } | undefined;
  const closing = new Set<Promise<void>>();

  function closeIfUnused(loaded: Loaded): void {
    if (loaded === current || loaded.users > 0) return;
    const { model } = loaded;
    const { name, version } = model.identity;
    const closed = model.close().catch((error: unknown) => {
      logger.warn({ err: error }, `closing model ${name} version ${version} failed: ${describeError(error)}`);
    });
    closing.add(closed);
    void closed.finally(() => closing.delete(closed));
  }

  function replace(model: Model | undefined): void {
    const before = current;
    current = model && { model, users: 0 };
    serves?.(model);
    if (before) closeIfUnused(before);
  }

  return {
    get current(): Model | undefined {
      return current?.model;
    },
    async start(): Promise<void> {
      const first = await models.current();
      replace(first);
      watch = models.watch?.(first, {
        onChange(model) {
          replace(model);
          logger.info(`model ${model.identity.name} version ${model.identity.version} is served`);
        },
        onRefused: (error) =>
          logger.error(`the new version was refused, the present one stays: ${describeError(error)}`),
        onRegistry(error) {
          if (error === undefined) logger.info('the model registry responds again');
          else logger.warn(`the present version stays: ${describeError(error)}`);
        },
      });
    },
    async stop(): Promise<void> {
      await watch?.stop();
      replace(undefined);
      await Promise.all(closing);
    },
    /** Uses the version that is served now; it is not closed before the work is done. */
    async use<T>(work: (model: Model) => Promise<T>): Promise<T> {
      const loaded = current;
      if (!loaded) throw new GaplineError('model-missing', 'no model is loaded', { retryable: true });
      loaded.users += 1;
      try {
        return await work(loaded.model);
      } finally {
        loaded.users -= 1;
        closeIfUnused(loaded);
      }
    },
  };
}

export type ServedModel = ReturnType<typeof createServedModel>;
