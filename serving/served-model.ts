import type { Logger } from 'pino';
import type { Model, ModelSource } from '../core/model/model.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';

/** The version that answers requests now. A change waits for nobody; the old version is closed after its last answer. */
export function createServedModel({ models, logger }: { models: ModelSource; logger: Logger }) {
  let current: Model | undefined;
  let watch: { stop(): Promise<void> } | undefined;
  const users = new Map<Model, number>();
  const closing = new Set<Promise<void>>();

  function closeIfUnused(model: Model): void {
    if (model === current || users.has(model)) return;
    const { name, version } = model.identity;
    const closed = model.close().catch((error: unknown) => {
      logger.warn({ err: error }, `closing model ${name} version ${version} failed: ${describeError(error)}`);
    });
    closing.add(closed);
    void closed.finally(() => closing.delete(closed));
  }

  function replace(model: Model | undefined): void {
    const before = current;
    current = model;
    if (before) closeIfUnused(before);
  }

  return {
    get current(): Model | undefined {
      return current;
    },
    async start(): Promise<void> {
      current = await models.current();
      watch = models.watch?.(current, {
        onChange(model) {
          replace(model);
          logger.info(`model ${model.identity.name} version ${model.identity.version} answers`);
        },
        onRefused: (error) => logger.error(`refused, the present version goes on: ${describeError(error)}`),
      });
    },
    async stop(): Promise<void> {
      await watch?.stop();
      replace(undefined);
      await Promise.all(closing);
    },
    /** Uses the version that answers now; it is not closed before the work is done. */
    async use<T>(work: (model: Model) => Promise<T>): Promise<T> {
      const model = current;
      if (!model) throw new GaplineError('model-missing', 'no model is loaded', { retryable: true });
      users.set(model, (users.get(model) ?? 0) + 1);
      try {
        return await work(model);
      } finally {
        const left = users.get(model)! - 1;
        if (left > 0) users.set(model, left);
        else users.delete(model);
        closeIfUnused(model);
      }
    },
  };
}

export type ServedModel = ReturnType<typeof createServedModel>;
