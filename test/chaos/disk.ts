import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** How long a command may take, and filling a disk: the machine may be busy. */
const maxMs = 30_000;

const run = (command: string, args: readonly string[]) => promisify(execFile)(command, args, { timeout: maxMs });

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
      const { bavail, bsize } = await statfs(folder);
      // Most of it as it is, without writing; then ever smaller pieces, until not one block is left.
      await run('fallocate', ['-l', String(Math.floor(bavail * bsize * 0.98)), `${balloon}-reserved`]).catch(() => {});
      const untilMs = performance.now() + maxMs;
      for (let kilobytes = 1_024; kilobytes >= 1 && performance.now() < untilMs; ) {
        await run('sh', ['-c', `head -c ${kilobytes}k /dev/zero >> '${balloon}-written'`]).catch(() => {
          kilobytes = Math.floor(kilobytes / 4);
        });
      }
    },
    async free() {
      for (const part of ['reserved', 'written']) await rm(`${balloon}-${part}`, { force: true });
    },
    async unmount() {
      await run('umount', [folder]).catch(() => run('umount', ['-l', folder]));
    },
  };
}
