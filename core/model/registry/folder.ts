import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { type Draft, readManifest, writeArtifact } from '../artifact.ts';
import type { Manifest } from '../manifest.ts';
import type { Model, ModelIdentity, ModelSource } from '../model.ts';
import { loadModel } from '../open.ts';
import { watchRegistry } from './watch.ts';

export interface RegistryOptions {
  /** Where models live: `folder/NAME/VERSION/` and, beside the versions, one small file an alias. */
  readonly folder: string;
  readonly name: string;
  /** Which version {@link ModelSource.current} gives: an alias, or a version's number. Default `champion`. */
  readonly alias?: string;
  /** How often a watch looks. Default one second. */
  readonly watchEveryMs?: number;
}

/** The versions of one model, in a folder. Versions are immutable; aliases move. */
export interface Registry extends ModelSource {
  /** Ascending; empty where there is none. */
  versions(): Promise<number[]>;
  /** What each alias names. */
  aliases(): Promise<ReadonlyMap<string, number>>;
  /**
   * The version that an alias (or a number) names; the highest where `champion` names none; undefined where there is none.
   * @throws {GaplineError} `model-invalid` where the alias file is not a version's number.
   */
  resolve(alias: string): Promise<number | undefined>;
  /**
   * Moves an alias, at once for every reader.
   * @throws {GaplineError} `model-missing` where there is no such version.
   */
  point(alias: string, version: number): Promise<void>;
  /** Takes an alias away. Nothing happens where there is none. */
  forget(alias: string): Promise<void>;
  /** @throws {GaplineError} `model-missing`, `model-invalid` */
  manifest(version: number): Promise<Manifest>;
  /** @throws {GaplineError} `model-missing`, `model-invalid` */
  load(version: number): Promise<Model>;
  /** Adds the next version: written aside, then moved into place whole. */
  publish(draft: Draft): Promise<ModelIdentity>;
  folderOf(version: number): string;
}

/** The alias of the version that serves. */
export const championAlias = 'champion';
/** The alias of the version that labels the same readings without serving. */
export const challengerAlias = 'challenger';
/** The alias of the version that served before. */
export const previousAlias = 'previous';

const aliasPattern = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/;
const versionPattern = /^[1-9]\d{0,8}$/;

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Opens the registry of one model. Nothing is read until a method is called. */
export function openRegistry({ folder, name, alias = championAlias, watchEveryMs = 1_000 }: RegistryOptions): Registry {
  const home = join(folder, name);
  const folderOf = (version: number): string => join(home, String(version));

  async function entries() {
    try {
      return await readdir(home, { withFileTypes: true });
    } catch (error) {
      if (isMissing(error)) return [];
      throw new GaplineError('model-missing', `${home} cannot be read: ${describeError(error)}`, { cause: error });
    }
  }

  async function versions(): Promise<number[]> {
    const found = (await entries()).filter((entry) => entry.isDirectory() && versionPattern.test(entry.name));
    return found.map((entry) => Number(entry.name)).sort((a, b) => a - b);
  }

  async function aliases(): Promise<Map<string, number>> {
    const found = (await entries()).filter((entry) => entry.isFile() && aliasPattern.test(entry.name));
    const pairs = await Promise.all(found.map(async (entry) => [entry.name, await readAlias(entry.name)] as const));
    return new Map(pairs.filter((pair): pair is [string, number] => pair[1] !== undefined));
  }

  async function readAlias(wanted: string): Promise<number | undefined> {
    const file = join(home, wanted);
    let text: string;
    try {
      text = (await readFile(file, 'utf8')).trim();
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

  async function resolve(wanted: string): Promise<number | undefined> {
    if (versionPattern.test(wanted)) return Number(wanted);
    const named = aliasPattern.test(wanted) ? await readAlias(wanted) : undefined;
    if (named !== undefined || wanted !== championAlias) return named;
    return (await versions()).at(-1);
  }

  async function demand(version: number | undefined): Promise<number> {
    const all = await versions();
    if (version !== undefined && all.includes(version)) return version;
    const there = all.length === 0 ? 'there is no version yet' : `there are versions ${all.join(', ')}`;
    const wanted = version === undefined ? `"${alias}"` : `version ${version}`;
    throw new GaplineError('model-missing', `${home} has no ${wanted}; ${there}`, { retryable: false });
  }

  async function load(version: number | undefined): Promise<Model> {
    const found = await demand(version);
    return loadModel(folderOf(found), { name, version: found });
  }

  async function publish({ manifest, files }: Draft): Promise<ModelIdentity> {
    const aside = join(home, `.new-${randomBytes(6).toString('hex')}`);
    try {
      for (let version = ((await versions()).at(-1) ?? 0) + 1; ; version++) {
        await rm(aside, { recursive: true, force: true });
        await writeArtifact(aside, { manifest: { ...manifest, name, version }, files });
        if (await moveIfFree(aside, folderOf(version))) return { name, version };
      }
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  async function point(wanted: string, version: number): Promise<void> {
    if (!aliasPattern.test(wanted))
      throw new GaplineError('model-invalid', `"${wanted}" cannot be an alias: letters, digits, dot, dash, underscore`);
    await demand(version);
    const aside = join(home, `.alias-${randomBytes(6).toString('hex')}`);
    await writeFile(aside, `${version}\n`, { flush: true });
    await rename(aside, join(home, wanted));
    await syncFolder(home);
  }

  return {
    versions,
    aliases,
    resolve,
    point,
    forget: (wanted) => rm(join(home, wanted), { force: true }),
    manifest: async (version) => readManifest(folderOf(await demand(version))),
    load,
    publish,
    folderOf,
    current: async () => load(await resolve(alias)),
    watch: (serving, watcher) =>
      watchRegistry({
        serving,
        watcher,
        pollEveryMs: watchEveryMs,
        resolve: async () => demand(await resolve(alias)),
        stampOf: async (version) => `${version} ${(await stat(join(folderOf(version), 'SHA256SUMS'))).mtimeMs}`,
        load,
      }),
  };
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
