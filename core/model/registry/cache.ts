import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readWhole } from '../../files/whole.ts';
import { type ArtifactSource, checksumFile, mostPartBytes, readSums } from '../artifact.ts';
import type { ModelIdentity } from '../model.ts';
import { aliasPattern, versionPattern } from './port.ts';

export interface CacheOptions {
  /** Of one model in one registry. It is made when something is kept. */
  readonly folder: string;
  /** At most so many versions are kept. */
  readonly mostVersions: number;
  /** At most so many bytes, but for the newest version, which is kept whatever it takes. */
  readonly mostBytes: number;
}

const sumsSuffix = '.sums';
const aliasSuffix = '.alias';
const mostSumsBytes = 1_000_000;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Versions of a registry that may be unavailable, on disk. A file is kept under its hash (`files/HASH`), and a version as its checksums
 * (`3.sums`), which the registry is asked for each time while it responds; so what is damaged here, or was replaced there, is fetched
 * anew. Beside them is what an alias named last (`champion.alias`). Several processes may share a folder. What cannot be written is no
 * reason to fail: the registry has it.
 */
export class VersionCache {
  readonly folder: string;
  readonly #mostVersions: number;
  readonly #mostBytes: number;
  readonly #noted = new Map<string, number>();

  constructor({ folder, mostVersions, mostBytes }: CacheOptions) {
    this.folder = folder;
    this.#mostVersions = mostVersions;
    this.#mostBytes = mostBytes;
  }

  /** The files of a version that the registry gives, kept as they are read. */
  through(version: number, source: ArtifactSource): ArtifactSource {
    return this.#source(version, source);
  }

  /** The files of a version from here alone; undefined where its checksums are not here. */
  async alone(version: number, identity: ModelIdentity): Promise<ArtifactSource | undefined> {
    if ((await this.#sumsOf(version)) === undefined) return undefined;
    const place = `${this.folder} (version ${version})`;
    const read = (name: string) => Promise.reject(new Error(`no sound copy of ${name} is in ${this.folder}`));
    return this.#source(version, { place, identity, read }, true);
  }

  /** Keeps what an alias names. */
  async note(alias: string, version: number): Promise<void> {
    if (!aliasPattern.test(alias) || this.#noted.get(alias) === version) return;
    this.#noted.set(alias, version);
    await this.#write(`${alias}${aliasSuffix}`, Buffer.from(`${version}\n`));
  }

  /** What an alias named when the registry last responded. */
  async lastOf(alias: string): Promise<number | undefined> {
    if (!aliasPattern.test(alias)) return undefined;
    const text = (await this.#read(`${alias}${aliasSuffix}`, 100))?.toString().trim() ?? '';
    return versionPattern.test(text) ? Number(text) : undefined;
  }

  #source(version: number, origin: ArtifactSource, alone = false): ArtifactSource {
    let sums: Map<string, string> | undefined;
    const readSumsFile = async (): Promise<Uint8Array> => {
      const kept = alone ? await this.#sumsOf(version) : undefined;
      const bytes = kept ?? (await origin.read(checksumFile));
      sums = readSums(origin.place, bytes);
      return bytes;
    };
    const read = async (name: string): Promise<Uint8Array> => {
      if (name === checksumFile) return await readSumsFile();
      if (!sums) await readSumsFile();
      const hash = sums?.get(name);
      const kept = hash === undefined ? undefined : await this.#fileOf(hash);
      const bytes = kept ?? (await origin.read(name));
      const isSound = kept !== undefined || (hash !== undefined && sha256(bytes) === hash);
      if (isSound && !alone) await this.#keep(version, sums ?? new Map(), kept ? undefined : bytes);
      return bytes;
    };
    return { ...origin, read };
  }

  /** A file whose hash is right; one that is damaged is removed. */
  async #fileOf(hash: string): Promise<Uint8Array | undefined> {
    const path = join('files', hash);
    const bytes = await this.#read(path, mostPartBytes);
    if (bytes === undefined || sha256(bytes) === hash) return bytes;
    await rm(join(this.folder, path), { force: true }).catch(() => {});
    return undefined;
  }

  async #sumsOf(version: number): Promise<Uint8Array | undefined> {
    return await this.#read(`${version}${sumsSuffix}`, mostSumsBytes);
  }

  /** @param bytes - a file that was not here */
  async #keep(version: number, sums: ReadonlyMap<string, string>, bytes: Uint8Array | undefined): Promise<void> {
    if (bytes) await this.#write(join('files', sha256(bytes)), bytes);
    const text = Array.from(sums, ([name, sum]) => `${sum}  ${name}\n`).join('');
    await this.#write(`${version}${sumsSuffix}`, Buffer.from(text));
    await this.#evict(version).catch(() => {});
  }

  /** Versions that no alias named last go first, then those that were used longest ago; never the one that was just read. */
  async #evict(newest: number): Promise<void> {
    const kept = await this.#versions();
    const named = new Set(await Promise.all((await this.#aliases()).map((alias) => this.lastOf(alias))));
    const order = kept
      .filter(({ version }) => version !== newest)
      .sort((a, b) => Number(named.has(a.version)) - Number(named.has(b.version)) || a.usedMs - b.usedMs);
    const sizes = await this.#sizes();
    const left = new Map(kept.map(({ version, files }) => [version, files]));
    const bytes = () => [...new Set([...left.values()].flat())].reduce((sum, hash) => sum + (sizes.get(hash) ?? 0), 0);
    for (const { version } of order) {
      if (left.size <= this.#mostVersions && bytes() <= this.#mostBytes) break;
      left.delete(version);
      await rm(join(this.folder, `${version}${sumsSuffix}`), { force: true });
    }
    const needed = new Set([...left.values()].flat());
    for (const hash of sizes.keys()) if (!needed.has(hash)) await rm(join(this.folder, 'files', hash), { force: true });
  }

  async #versions(): Promise<{ version: number; files: string[]; usedMs: number }[]> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(sumsSuffix));
    const found = names.map(async (name) => {
      const version = Number(name.slice(0, -sumsSuffix.length));
      const sums = await this.#sumsOf(version);
      if (!sums) return [];
      const { mtimeMs: usedMs } = await stat(join(this.folder, name));
      return [{ version, files: [...readSums(this.folder, sums).values()], usedMs }];
    });
    return (await Promise.all(found)).flat();
  }

  async #aliases(): Promise<string[]> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(aliasSuffix));
    return names.map((name) => name.slice(0, -aliasSuffix.length));
  }

  /** Of the files, by hash. */
  async #sizes(): Promise<Map<string, number>> {
    const names = await readdir(join(this.folder, 'files'));
    const sizes = names.map(async (name) => [name, (await stat(join(this.folder, 'files', name))).size] as const);
    return new Map(await Promise.all(sizes));
  }

  async #read(path: string, mostBytes: number): Promise<Buffer | undefined> {
    try {
      return await readWhole(join(this.folder, path), mostBytes);
    } catch {
      return undefined;
    }
  }

  /** Readers see the file before, or this one. */
  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.folder, path);
    const aside = join(this.folder, `.${randomBytes(6).toString('hex')}`);
    try {
      await mkdir(join(this.folder, 'files'), { recursive: true });
      await writeFile(aside, bytes, { flush: true });
      await rename(aside, target);
      await utimes(target, new Date(), new Date());
    } catch {
      await rm(aside, { force: true }).catch(() => {});
    }
  }
}
