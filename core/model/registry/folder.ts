import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readWhole } from '../../files/whole.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { type ArtifactSource, type Draft, folderSource, writeArtifact } from '../artifact.ts';
import type { ModelIdentity } from '../model.ts';
import { type Move, readMove } from './history.ts';
import { openEngine, type ServingOptions } from './open.ts';
import { aliasPattern, type Registry, type RegistryEngine, versionPattern } from './port.ts';

export interface RegistryOptions extends ServingOptions {
  /** Where models live: `folder/NAME/VERSION/` and, beside the versions, one small file an alias. */
  readonly folder: string;
}

/** The moves of the champion, one a line. Its first character keeps it from being an alias. */
const historyFile = '.history.ndjson';
const mostHistoryBytes = 50_000_000;

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Opens the registry of one model in a folder. Nothing is read until a method is called. */
export function openRegistry(options: RegistryOptions): Registry {
  return openEngine(new FolderEngine(options), options);
}

class FolderEngine implements RegistryEngine {
  readonly #home: string;
  readonly #name: string;

  constructor({ folder, name }: RegistryOptions) {
    this.#home = join(folder, name);
    this.#name = name;
  }

  get title(): string {
    return this.#home;
  }

  placeOf(version: number): string {
    return join(this.#home, String(version));
  }

  async source(version: number): Promise<ArtifactSource> {
    return folderSource(this.placeOf(version));
  }

  async versions(): Promise<number[]> {
    const found = (await this.#entries()).filter((entry) => entry.isDirectory() && versionPattern.test(entry.name));
    return found.map((entry) => Number(entry.name)).sort((a, b) => a - b);
  }

  async aliases(): Promise<Map<string, number>> {
    const found = (await this.#entries()).filter((entry) => entry.isFile() && aliasPattern.test(entry.name));
    const pairs = await Promise.all(found.map(async (entry) => [entry.name, await this.alias(entry.name)] as const));
    return new Map(pairs.filter((pair): pair is [string, number] => pair[1] !== undefined));
  }

  async alias(wanted: string): Promise<number | undefined> {
    const file = join(this.#home, wanted);
    const text = (await this.#readText(file, 1_000))?.trim();
    if (text === undefined) return undefined;
    if (versionPattern.test(text)) return Number(text);
    throw new GaplineError(
      'model-invalid',
      `${file} must hold the number of a version, but holds "${text.slice(0, 40)}"`,
    );
  }

  async versionOfRun(): Promise<undefined> {
    return undefined;
  }

  async setAlias(wanted: string, version: number): Promise<void> {
    const aside = join(this.#home, `.alias-${randomBytes(6).toString('hex')}`);
    await writeFile(aside, `${version}\n`, { flush: true });
    await rename(aside, join(this.#home, wanted));
    await syncFolder(this.#home);
  }

  async removeAlias(wanted: string): Promise<void> {
    await rm(join(this.#home, wanted), { force: true });
  }

  async publish({ manifest, files }: Draft): Promise<ModelIdentity> {
    const name = this.#name;
    const aside = join(this.#home, `.new-${randomBytes(6).toString('hex')}`);
    try {
      for (let version = ((await this.versions()).at(-1) ?? 0) + 1; ; version++) {
        await rm(aside, { recursive: true, force: true });
        await writeArtifact(aside, { manifest: { ...manifest, name, version }, files });
        if (await moveIfFree(aside, this.placeOf(version))) return { name, version };
      }
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  /** Each line begins with its own end of line, so that one that a crash cut off spoils no other. */
  async record(move: Move): Promise<void> {
    await appendFile(join(this.#home, historyFile), `\n${JSON.stringify(move)}\n`, { flush: true });
  }

  async history(): Promise<Move[]> {
    const text = (await this.#readText(join(this.#home, historyFile), mostHistoryBytes)) ?? '';
    return text.split('\n').flatMap((line) => readMove(line) ?? []);
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

  async #readText(file: string, mostBytes: number): Promise<string | undefined> {
    try {
      return (await readWhole(file, mostBytes)).toString('utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new GaplineError('model-invalid', `${file} cannot be read: ${describeError(error)}`, { cause: error });
    }
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
