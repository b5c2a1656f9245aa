import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { GaplineError } from '../wire/errors.ts';

/** Opening a pipe without a writer would wait for one. Windows has no such flag. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * A whole file that a person or a configuration names. Devices and pipes are refused, because they may have no end, and files that are
 * larger than anything that is meant.
 * @throws {GaplineError} `file-unusable` where it is no regular file or too large; the system's own error where it cannot be opened
 */
export function readWholeSync(file: string, mostBytes: number): Buffer {
  const handle = openSync(file, flags);
  try {
    demandRegular(file, fstatSync(handle), mostBytes);
    const parts = new Parts(file, mostBytes);
    while (parts.take(readSync(handle, parts.space)));
    return parts.whole();
  } finally {
    closeSync(handle);
  }
}

/** As {@link readWholeSync}. */
export async function readWhole(file: string, mostBytes: number): Promise<Buffer> {
  const handle = await open(file, flags);
  try {
    demandRegular(file, await handle.stat(), mostBytes);
    const parts = new Parts(file, mostBytes);
    while (parts.take((await handle.read(parts.space)).bytesRead));
    return parts.whole();
  } finally {
    await handle.close();
  }
}

function demandRegular(file: string, stats: Stats, mostBytes: number): void {
  if (stats.isDirectory()) throw unusable(file, 'it is a folder, where a file should be');
  if (!stats.isFile()) throw unusable(file, 'it is a device, a pipe or a socket, where a regular file should be');
  if (stats.size > mostBytes) throw tooLarge(file, mostBytes);
}

const partBytes = 1 << 20;

/** What was read so far. The size that the system reports is not relied on: a file may grow, and some have none until they are read. */
class Parts {
  space: Buffer<ArrayBuffer> = Buffer.allocUnsafe(partBytes);
  readonly #file: string;
  readonly #mostBytes: number;
  readonly #taken: Buffer[] = [];
  #length = 0;

  constructor(file: string, mostBytes: number) {
    this.#file = file;
    this.#mostBytes = mostBytes;
  }

  /** Keeps the first bytes of `space`; false at the end. */
  take(bytes: number): boolean {
    if (bytes === 0) return false;
    this.#length += bytes;
    if (this.#length > this.#mostBytes) throw tooLarge(this.#file, this.#mostBytes);
    this.#taken.push(this.space.subarray(0, bytes));
    this.space = bytes < this.space.length ? this.space.subarray(bytes) : Buffer.allocUnsafe(partBytes);
    return true;
  }

  whole(): Buffer {
    return Buffer.concat(this.#taken, this.#length);
  }
}

const unusable = (file: string, why: string): GaplineError =>
  new GaplineError('file-unusable', `${file}: ${why}`, { retryable: false });

const tooLarge = (file: string, mostBytes: number): GaplineError =>
  unusable(file, `it is larger than ${Math.floor(mostBytes / 1_000)} kB`);
