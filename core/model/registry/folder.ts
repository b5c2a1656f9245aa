import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readWhole } from '../../files/whole.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { type Draft, readManifest, writeArtifact } from '../artifact.ts';
import type { Manifest } from '../manifest.ts';
import type { Model, ModelIdentity, ModelWatcher, Serving } from '../model.ts';
import { loadModel } from '../open.ts';
import { championAlias, type Registry } from './port.ts';
import { watchRegistry } from './watch.ts';

export interface RegistryOptions {
  /** Where models live: `folder/NAME/VERSION/` and, beside the versions, one small file an alias. */
  readonly folder: string;
  readonly name: string;
  /** Which version {@link ModelSource.current} gives: an alias, or a version's number. Default `champion`. */
  readonly alias?: string;
  /** Which version is to serve, given the one that the alias names; asked at every look. Default: that one. */
  readonly choose?: (named: number | undefined) => number | undefined;
  /** How often a watch looks. Default one second. */
  readonly watchEveryMs?: number;
  /** What the paths of a model's own steps are relative to: the folder of `stream.yaml`. */
  readonly stepsFolder?: string;
}

const aliasPattern = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/;
const versionPattern = /^[1-9]\d{0,8}$/;

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Opens the registry of one model. Nothing is read until a method is called. */
export function openRegistry(options: RegistryOptions): Registry {
  return new FolderRegistry(options);
}

class FolderRegistry implements Registry {
  readonly #home: string;
  readonly #name: string;
  readonly #alias: string;
  readonly #choose: NonNullable<RegistryOptions['choose']>;
  readonly #pollEveryMs: number;
  readonly #stepsFolder: string | undefined;

  constructor(options: RegistryOptions) {
    const { folder, name, alias = championAlias, choose, watchEveryMs = 1_000, stepsFolder } = options;
    this.#stepsFolder = stepsFolder;
    this.#choose = choose ?? ((named) => named);
    this.#home = join(folder, name);
    this.#name = name;
    this.#alias = alias;
    this.#pollEveryMs = watchEveryMs;
  }

  folderOf(version: number): string {
    return join(this.#home, String(version));
  }

  async versions(): Promise<number[]> {
    const found = (await this.#entries()).filter((entry) => entry.isDirectory() && versionPattern.test(entry.name));
    return found.map((entry) => Number(entry.name)).sort((a, b) => a - b);
  }

  async aliases(): Promise<Map<string, number>> {
    const found = (await this.#entries()).filter((entry) => entry.isFile() && aliasPattern.test(entry.name));
    const pairs = await Promise.all(
      found.map(async (entry) => [entry.name, await this.#readAlias(entry.name)] as const),
    );
    return new Map(pairs.filter((pair): pair is [string, number] => pair[1] !== undefined));
  }

  async resolve(wanted: string): Promise<number | undefined> {
    if (versionPattern.test(wanted)) return Number(wanted);
    const named = aliasPattern.test(wanted) ? await this.#readAlias(wanted) : undefined;
    if (named !== undefined || wanted !== championAlias) return named;
    return (await this.versions()).at(-1);
  }

  async point(wanted: string, version: number): Promise<void> {
    if (!aliasPattern.test(wanted))
      throw new GaplineError('model-invalid', `"${wanted}" cannot be an alias: letters, digits, dot, dash, underscore`);
    await this.#demand(version);
    const aside = join(this.#home, `.alias-${randomBytes(6).toString('hex')}`);
    await writeFile(aside, `${version}\n`, { flush: true });
    await rename(aside, join(this.#home, wanted));
    await syncFolder(this.#home);
  }

  async forget(wanted: string): Promise<void> {
    await rm(join(this.#home, wanted), { force: true });
  }

  async manifest(version: number): Promise<Manifest> {
    return readManifest(this.folderOf(await this.#demand(version)));
  }

  async load(version: number | undefined): Promise<Model> {
    const found = await this.#demand(version);
    return loadModel(this.folderOf(found), { name: this.#name, version: found }, this.#stepsFolder);
  }

  async publish({ manifest, files }: Draft): Promise<ModelIdentity> {
    const name = this.#name;
    const aside = join(this.#home, `.new-${randomBytes(6).toString('hex')}`);
    try {
      for (let version = ((await this.versions()).at(-1) ?? 0) + 1; ; version++) {
        await rm(aside, { recursive: true, force: true });
        await writeArtifact(aside, { manifest: { ...manifest, name, version }, files });
        if (await moveIfFree(aside, this.folderOf(version))) return { name, version };
      }
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  async current(): Promise<Model> {
    return this.load(this.#choose(await this.resolve(this.#alias)));
  }

  watch(serving: Serving, watcher: ModelWatcher): { stop(): Promise<void> } {
    return watchRegistry({
      serving,
      watcher,
      everyMs: this.#pollEveryMs,
      resolve: async () => this.#demand(this.#choose(await this.resolve(this.#alias))),
      stampOf: async (version) => `${version} ${(await stat(join(this.folderOf(version), 'SHA256SUMS'))).mtimeMs}`,
      load: (version) => this.load(version),
    });
  }

  async #entries() {
    try {
      return await readdir(this.#home, { withFileTypes: true });
    } catch (error) {
      if (isMissing(error)) return [];
      const detail = `${this.#home} cannot be read: ${describeError(error)}`;
      throw new GaplineError('model-missing', detail, { cause: error });
    }
  }

  async #readAlias(wanted: string): Promise<number | undefined> {
    const file = join(this.#home, wanted);
    let text: string;
    try {
      text = (await readWhole(file, 1_000)).toString('utf8').trim();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new GaplineError('model-invalid', `${file} cannot be read: ${describeError(error)}`, { cause: error });
    }
    if (versionPattern.test(text)) return Number(text);
    throw new GaplineError(
      'model-invalid',
      `${file} must hold the number of a version, but holds "${text.slice(0, 40)}"`,
    );
  }

  /** @throws {GaplineError} `model-missing` where there is no such version. */
  async #demand(version: number | undefined): Promise<number> {
    const all = await this.versions();
    if (version !== undefined && all.includes(version)) return version;
    const there = all.length === 0 ? 'there is no version yet' : `there are versions ${all.join(', ')}`;
    const wanted = version === undefined ? `"${this.#alias}"` : `version ${version}`;
    throw new GaplineError('model-missing', `${this.#home} has no ${wanted}; ${there}`, { retryable: false });
  }
}

/** False where another process was there first. */
async function moveIfFree(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    await syncFolder(join(to, '..'));
    return true;
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
    if (!taken) throw error;
    return false;
  }
}

async function syncFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
