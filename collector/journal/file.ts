import { closeSync, constants, fstatSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const blockBytes = 4_096;

/** Of `writeSync` and `readSync`, what is used: how many bytes were written or read, from `offset` on at a place of the file. */
type Transfer = (fd: number, bytes: Buffer, offset: number, length: number, at: number) => number;

/** Opens a file, and fills it up to a size: later the disk cannot be full, and a sync need not wait for a file that grows. */
export function openWhole(file: string, bytes: number): number {
  mkdirSync(dirname(file), { recursive: true });
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    const { size } = fstatSync(fd);
    if (size < bytes) writeAll(fd, Buffer.alloc(bytes - size), size);
    fsyncSync(fd);
    syncFolder(dirname(file));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/**
 * A disk that is nearly full takes a part first and says so only the next time.
 * @param write - default `writeSync`
 */
export function writeAll(fd: number, bytes: Buffer, at: number, write: Transfer = writeSync): void {
  for (let done = 0; done < bytes.length; ) {
    const count = write(fd, bytes, done, bytes.length - done, at + done);
    if (count === 0) throw new Error('the disk took nothing');
    done += count;
  }
}

/**
 * Reads what can be read. What cannot is zeros, and so is what a file that is too short lacks.
 * @param read - default `readSync`
 */
export function readAll(fd: number, length: number, read: Transfer = readSync): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = readOrSkip(read, fd, bytes, at);
    if (count === 0) break;
    at += count;
  }
  return bytes;
}

/** How many bytes were read, or are damaged and were left out: up to the next block. */
function readOrSkip(read: Transfer, fd: number, bytes: Buffer, at: number): number {
  try {
    return read(fd, bytes, at, bytes.length - at, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    return blockBytes - (at % blockBytes);
  }
}

/** Windows has no such thing, and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
