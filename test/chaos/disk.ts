import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A small file system of its own, in a file. */
export interface Disk {
  readonly folder: string;
  /** Leaves no room on it. */
  fill(): Promise<void>;
  free(): Promise<void>;
  unmount(): Promise<void>;
}

/** Makes an ext4 of so many megabytes and mounts it; undefined where that is not allowed or not possible. */
export async function smallDisk(name: string, megabytes: number, under: string): Promise<Disk | undefined> {
  const image = join(under, `${name}.img`);
  const folder = join(under, name);
  const balloon = join(folder, 'balloon');
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(image, '');
    await truncate(image, megabytes * 1_000_000);
    // Nothing is kept back for root, as whom a test may run.
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
    await run('mount', ['-o', 'loop', image, folder]);
  } catch {
    await rm(image, { force: true });
    return undefined;
  }
  return {
    folder,
    async fill() {
      // Ever smaller pieces, until not one block is left.
      for (let piece = megabytes * 1_000; piece >= 4; ) {
        await run('sh', ['-c', `head -c ${piece * 1_000} /dev/zero >> '${balloon}'`]).then(
          () => {},
          () => {
            piece = Math.floor(piece / 8);
          },
        );
      }
    },
    async free() {
      if (existsSync(balloon)) await rm(balloon);
    },
    async unmount() {
      await run('umount', [folder]).catch(() => run('umount', ['-l', folder]));
    },
  };
}
