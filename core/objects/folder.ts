import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { explainFileError } from '../files/fault.ts';
import { readWhole } from '../files/whole.ts';
import { GaplineError } from '../wire/errors.ts';
import { mostObjectBytes, type ObjectInfo, type ObjectStore } from './port.ts';

/** What is being written has this in its name; a process that dies leaves it behind. */
const partMark = '.part-';
/** What is left of a writer that died is removed after this time. */
const abandonedMs = 86_400_000;

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** Objects as files below a folder, which is made with the first of them. It keeps no versions. */
export function openFolder(folder: string): ObjectStore {
  const root = resolve(folder);

  function fileOf(key: string): string {
    const file = resolve(root, key);
    if (!file.startsWith(root + sep)) throw new GaplineError('internal', `the key ${key} leads out of ${root}`);
    return file;
  }

  async function* walk(place: string): AsyncGenerator<ObjectInfo> {
    const entries = await readdir(place, { withFileTypes: true }).catch(unlessAbsent);
    for (const entry of entries ?? []) {
      const path = join(place, entry.name);
      if (entry.isDirectory()) yield* walk(path);
      else {
        const found = await stat(path).catch(unlessAbsent);
        if (!found) continue;
        if (entry.name.includes(partMark)) {
          if (Date.now() - found.mtimeMs > abandonedMs) await rm(path, { force: true });
        } else yield infoOf(relative(root, path).replaceAll(sep, '/'), found);
      }
    }
  }

  return {
    name: folder,
    async put(key, bytes) {
      await explained(() => writeWhole(fileOf(key), bytes));
      return {};
    },
    staging(prefix) {
      const path = join(root, prefix, `${partMark}${randomUUID()}-`);
      return {
        path,
        adopt: (key, file) => explained(() => keep(file, fileOf(key))),
        clear: () =>
          explained(async () => {
            const names = await readdir(dirname(path)).catch(unlessAbsent);
            for (const name of names ?? [])
              if (name.startsWith(basename(path))) await rm(join(dirname(path), name), { force: true });
          }),
      };
    },
    head: (key) =>
      explained(async () => {
        const found = await stat(fileOf(key)).catch(unlessAbsent);
        return found?.isFile() ? infoOf(key, found) : undefined;
      }),
    get: (key, version) =>
      explained(async () => {
        if (version !== undefined) throw keepsNoVersions(folder);
        return await readWhole(fileOf(key), mostObjectBytes).catch(unlessAbsent);
      }),
    async *list(prefix) {
      const begin = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      for await (const info of walk(join(root, begin))) if (info.key.startsWith(prefix)) yield info;
    },
    async versions() {
      throw keepsNoVersions(folder);
    },
    delete: (key) =>
      explained(async () => {
        const file = fileOf(key);
        await unlink(file).catch(unlessAbsent);
        await removeEmpty(dirname(file), root);
      }),
  };
}

const infoOf = (key: string, { size, mtimeMs }: { size: number; mtimeMs: number }): ObjectInfo => ({
  key,
  bytes: size,
  modifiedMs: mtimeMs,
});

const keepsNoVersions = (folder: string) =>
  new GaplineError(
    'config-invalid',
    `${folder} is a folder, which keeps no older versions; a bucket with versioning does (s3://BUCKET/PREFIX)`,
  );

function unlessAbsent(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}

async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw explainFileError(error) ?? error;
  }
}

async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const part = `${file}${partMark}${randomUUID()}`;
  try {
    await using handle = await open(part, 'wx').catch(async (error: unknown) => {
      if (!isAbsent(error)) throw error;
      await mkdir(dirname(file), { recursive: true });
      return await open(part, 'wx');
    });
    await handle.writeFile(bytes);
    await handle.sync();
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await syncName(file);
}

/** Makes a file durable under another name. */
async function keep(part: string, file: string): Promise<void> {
  await using handle = await open(part, 'r+');
  await handle.sync();
  await mkdir(dirname(file), { recursive: true });
  await rename(part, file);
  await syncName(file);
}

/** The name of a file is durable with its folder only. */
async function syncName(file: string): Promise<void> {
  await using place = await open(dirname(file), 'r');
  await place.sync();
}

/** Removes folders that hold nothing any more. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let place = folder; place.startsWith(root + sep); place = dirname(place)) {
    const removed = await rmdir(place).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
