import { describeError, GaplineError } from '../../wire/errors.ts';
import { type Artifact, type ArtifactSource, type Draft, readArtifact, readManifest, stampOf } from '../artifact.ts';
import type { Manifest } from '../manifest.ts';
import type { Model, ModelIdentity, ModelWatcher, Serving } from '../model.ts';
import { loadModel } from '../open.ts';
import type { CacheOptions } from './cache.ts';
import { VersionCache } from './cache.ts';
import { type Move, orderMoves } from './history.ts';
import { aliasPattern, championAlias, type Registry, type RegistryEngine, runPattern, versionPattern } from './port.ts';
import { watchRegistry } from './watch.ts';

/** What is the same on every engine. */
export interface ServingOptions {
  readonly name: string;
  /** Which version {@link ModelSource.current} gives: an alias, a version's number, or `runs:/ID`. Default `champion`. */
  readonly alias?: string;
  /** Which version is to serve, given the one that the alias names; asked at every look. Default: that one. */
  readonly choose?: (named: number | undefined) => number | undefined;
  /** How often a watch looks. Default one second. */
  readonly watchEveryMs?: number;
  /** What the paths of a model's own steps are relative to: the folder of `stream.yaml`. */
  readonly stepsFolder?: string;
  /** Where versions are kept that were read, for when the registry is unavailable. Default: nowhere. */
  readonly cache?: CacheOptions | undefined;
  /** Called once where a version is taken from the cache, because the registry is unavailable, with a sentence that says so. */
  readonly onCached?: (detail: string) => void;
}

/** The registry that an engine keeps. Nothing is read until a method is called. */
export const openEngine = (engine: RegistryEngine, options: ServingOptions): Registry =>
  new EngineRegistry(engine, options);

class EngineRegistry implements Registry {
  readonly #engine: RegistryEngine;
  readonly #name: string;
  readonly #alias: string;
  readonly #choose: NonNullable<ServingOptions['choose']>;
  readonly #pollEveryMs: number;
  readonly #stepsFolder: string | undefined;
  readonly #cache: VersionCache | undefined;
  readonly #onCached: (detail: string) => void;
  /** Whether a version was taken from the cache. */
  #cached = false;

  constructor(engine: RegistryEngine, options: ServingOptions) {
    const { name, alias = championAlias, choose, watchEveryMs = 1_000, stepsFolder } = options;
    this.#engine = engine;
    this.#name = name;
    this.#alias = alias;
    this.#choose = choose ?? ((named) => named);
    this.#pollEveryMs = watchEveryMs;
    this.#stepsFolder = stepsFolder;
    this.#cache = options.cache && new VersionCache(options.cache);
    this.#onCached = options.onCached ?? (() => {});
  }

  versions = (): Promise<number[]> => this.#engine.versions();
  aliases = (): Promise<ReadonlyMap<string, number>> => this.#engine.aliases();
  publish = (draft: Draft): Promise<ModelIdentity> => this.#engine.publish(draft);
  placeOf = (version: number): string => this.#engine.placeOf(version);
  record = (move: Move): Promise<void> => this.#engine.record(move);

  async history(): Promise<Move[]> {
    return orderMoves(await this.#engine.history());
  }

  async resolve(wanted: string): Promise<number | undefined> {
    if (versionPattern.test(wanted)) return Number(wanted);
    const run = runPattern.exec(wanted)?.[1];
    if (run !== undefined) return await this.#engine.versionOfRun(run);
    const named = aliasPattern.test(wanted) ? await this.#engine.alias(wanted) : undefined;
    if (named !== undefined || wanted !== championAlias) return named;
    return (await this.versions()).at(-1);
  }

  async point(wanted: string, version: number): Promise<void> {
    if (!aliasPattern.test(wanted))
      throw new GaplineError('model-invalid', `"${wanted}" cannot be an alias: letters, digits, dot, dash, underscore`);
    await this.#engine.setAlias(wanted, await this.#demand(version));
  }

  forget = (wanted: string): Promise<void> => this.#engine.removeAlias(wanted);

  async serving(): Promise<number | undefined> {
    return this.#choose(await this.#named());
  }

  /** What the alias names, or, while the registry is unavailable, named last. */
  async #named(): Promise<number | undefined> {
    try {
      const named = await this.resolve(this.#alias);
      if (named !== undefined) await this.#cache?.note(cacheName(this.#alias), named);
      return named;
    } catch (error) {
      const last = isUnavailable(error) ? await this.#cache?.lastOf(cacheName(this.#alias)) : undefined;
      if (last === undefined) throw error;
      return last;
    }
  }

  manifest = (version: number): Promise<Manifest> => this.#read(version, readManifest);
  artifact = (version: number): Promise<Artifact> => this.#read(version, readArtifact);

  load(version: number | undefined): Promise<Model> {
    return this.#read(version, (source, identity) => loadModel(source, identity, this.#stepsFolder));
  }

  async current(): Promise<Model> {
    return this.load(await this.serving());
  }

  /** Versions never change, so while the registry is unavailable a copy is as good. */
  async #read<T>(
    version: number | undefined,
    use: (source: ArtifactSource, identity: ModelIdentity) => Promise<T>,
  ): Promise<T> {
    try {
      const found = await this.#demand(version);
      const source = await this.#engine.source(found);
      const identity = { name: this.#name, version: found };
      return await use(this.#cache?.through(found, source) ?? source, identity);
    } catch (error) {
      if (version === undefined || !this.#cache || !isUnavailable(error)) throw error;
      return await this.#readCached(this.#cache, version, error, use);
    }
  }

  async #readCached<T>(
    cache: VersionCache,
    version: number,
    unavailable: unknown,
    use: (source: ArtifactSource, identity: ModelIdentity) => Promise<T>,
  ): Promise<T> {
    const identity = { name: this.#name, version };
    const source = await cache.alone(version, identity);
    const why = describeError(unavailable);
    if (!source) throw away(`${why}; the cache ${cache.folder} has no version ${version}`, unavailable);
    try {
      const read = await use(source, identity);
      if (!this.#cached) this.#onCached(`${why}; version ${version} is taken from the cache ${cache.folder}`);
      this.#cached = true;
      return read;
    } catch (error) {
      throw away(`${why}; version ${version} in the cache cannot be used: ${describeError(error)}`, unavailable);
    }
  }

  watch(serving: Serving, watcher: ModelWatcher): { stop(): Promise<void> } {
    const noteChampion = createChampionNotes(this.#engine, (history) => watcher.onHistory?.(history));
    const notes = this.#alias === championAlias;
    return watchRegistry({
      serving,
      watcher,
      everyMs: this.#pollEveryMs,
      resolve: async () => {
        const named = await this.#resolveWatched(serving);
        if (notes && named !== undefined) await noteChampion(named);
        return this.#demand(this.#choose(named));
      },
      stampOf: async (version) => `${version} ${await stampOf(await this.#engine.source(version))}`,
      load: (version) => this.load(version),
    });
  }

  /** Where the line began with a copy, the error says that. */
  async #resolveWatched({ identity }: Serving): Promise<number | undefined> {
    try {
      const named = await this.resolve(this.#alias);
      if (named !== undefined) await this.#cache?.note(cacheName(this.#alias), named);
      return named;
    } catch (error) {
      if (!this.#cached || !this.#cache || !isUnavailable(error)) throw error;
      throw away(
        `${describeError(error)}; version ${identity.version} serves from the cache ${this.#cache.folder}`,
        error,
      );
    }
  }

  /** @throws {GaplineError} `model-missing` where there is no such version. */
  async #demand(version: number | undefined): Promise<number> {
    const all = await this.versions();
    if (version !== undefined && all.includes(version)) return version;
    const there = all.length === 0 ? 'there is no version yet' : `there are versions ${all.join(', ')}`;
    const wanted = version === undefined ? `"${this.#alias}"` : `version ${version}`;
    throw new GaplineError('model-missing', `${this.#engine.title} has no ${wanted}; ${there}`, { retryable: false });
  }
}

/** What a version is kept under in the cache: a run's id is no name of a file there. */
const cacheName = (alias: string): string => {
  const run = runPattern.exec(alias)?.[1];
  return run === undefined ? alias : `run-${run}`;
};

const isUnavailable = (error: unknown): boolean =>
  error instanceof GaplineError && error.code === 'registry-unavailable';

const away = (detail: string, cause: unknown): GaplineError =>
  new GaplineError('registry-unavailable', detail, { cause, retryable: true });

/** Of the history, what is reported. */
const mostReported = 10;

/**
 * Reports the history at the first look and with each change of the champion. One that no command of Gapline wrote down is written down:
 * when it was seen. What cannot be read or written is no reason not to follow.
 */
function createChampionNotes(
  engine: RegistryEngine,
  report: (history: readonly Move[]) => void,
): (champion: number) => Promise<void> {
  let before: number | undefined;
  return async (champion) => {
    if (champion === before) return;
    const seenFrom = before;
    before = champion;
    try {
      const history = orderMoves(await engine.history());
      if (seenFrom === undefined && isUnderWay(history.at(-1), champion)) {
        before = undefined;
        return;
      }
      const last = history.at(-1)?.to ?? seenFrom;
      if (last !== undefined && last !== champion)
        history.push(await recordSeen(engine, { at: new Date().toISOString(), from: last, to: champion, seen: true }));
      report(history.slice(-mostReported));
    } catch {
      // The next change is reported again.
    }
  };
}

/** A promotion is written down before the alias moves; one that was interrupted there for so long is none. */
const mostUnderWayMs = 60_000;

const isUnderWay = (last: Move | undefined, champion: number): boolean =>
  last !== undefined && last.from === champion && Math.abs(Date.now() - Date.parse(last.at)) < mostUnderWayMs;

/** The folder may be read-only, and the user of MLflow may only read. */
async function recordSeen(engine: RegistryEngine, move: Move): Promise<Move> {
  await engine.record(move).catch(() => {});
  return move;
}
