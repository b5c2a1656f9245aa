import { GaplineError, isRetryable } from '../../wire/errors.ts';
import { type Model, type ModelWatcher, readingFields, type Serving } from '../model.ts';
import { poll } from '../poll.ts';

export interface WatchOptions {
  readonly serving: Serving;
  readonly watcher: ModelWatcher;
  /** The version that is to serve. */
  readonly resolve: () => Promise<number>;
  /** Changes when the files of a version do: a refused version is tried again only then. */
  readonly stampOf: (version: number) => Promise<string>;
  readonly load: (version: number) => Promise<Model>;
  /** Folders are polled, because mounted ones send no events. */
  readonly everyMs: number;
}

/** Polls which version is to serve, and passes on the next one loaded, checked and warmed up. */
export function watchRegistry(options: WatchOptions): { stop(): Promise<void> } {
  const { watcher, everyMs } = options;
  let serving = options.serving;
  let refusedStamp: string | undefined;
  let unavailable = false;

  /** A registry that does not respond refuses nothing: that is reported once, and once that it is back. */
  async function look(stopping: AbortSignal): Promise<void> {
    try {
      await check(stopping);
    } catch (error) {
      // A version that could not be read now, or whose server is unavailable, is tried again.
      if (isRetryable(error)) refusedStamp = undefined;
      if (!watcher.onRegistry || !isRegistryFault(error)) {
        respondsAgain(stopping);
        throw error;
      }
      if (!unavailable && !stopping.aborted) watcher.onRegistry(error);
      unavailable = true;
      return;
    }
    respondsAgain(stopping);
  }

  function respondsAgain(stopping: AbortSignal): void {
    if (unavailable && !stopping.aborted) watcher.onRegistry?.(undefined);
    unavailable = false;
  }

  async function check(stopping: AbortSignal): Promise<void> {
    const version = await options.resolve();
    if (version === serving.identity.version) {
      refusedStamp = undefined;
      return;
    }
    const stamp = await options.stampOf(version);
    if (stamp === refusedStamp) return;
    refusedStamp = stamp;
    const model = await options.load(version);
    const reason = stopping.aborted ? 'the watch was stopped' : difference(serving, model);
    if (reason !== undefined) {
      await model.close();
      if (stopping.aborted) return;
      throw new GaplineError('model-invalid', `version ${version} cannot take over: ${reason}`, { retryable: false });
    }
    serving = model;
    refusedStamp = undefined;
    watcher.onChange(model);
  }

  return poll({ everyMs, look, refused: (error) => watcher.onRefused(error) });
}

/** Whether it is the registry that failed, and not a version of it. */
export const isRegistryFault = (error: unknown): boolean =>
  error instanceof GaplineError && (error.code === 'registry-unavailable' || error.code === 'registry-refused');

/** Why one version cannot take over from another while the line runs; undefined where it can. */
function difference(serving: Serving, next: Serving): string | undefined {
  // With steps, only what they take has to stay: what they make of it may differ.
  const partsOf = (model: Serving) => ({ fields: readingFields(model), classes: model.classes });
  for (const part of ['fields', 'classes'] as const) {
    const [before, after] = [partsOf(serving)[part], partsOf(next)[part]];
    const missing = before.filter((name) => !after.includes(name));
    const added = after.filter((name) => !before.includes(name));
    if (missing.length > 0) return `its ${part} lack ${missing.slice(0, 5).join(', ')}`;
    if (added.length > 0) return `its ${part} have ${added.slice(0, 5).join(', ')} in addition`;
  }
  return undefined;
}
