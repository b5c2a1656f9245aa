import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { LogRecord } from '../../core/log/port.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { type Frame, FrameEncoder, frameSize, readFrames, recordsOf, sectorBytes } from './frame.ts';

const sync = promisify(fdatasync);

/** The file has two halves, written in turn: one from its start again when all in it is confirmed. */
const defaultHalfBytes = 8 << 20;

/** What an earlier process left. */
export interface Left {
  /** Records that it wrote and did not confirm, in order. */
  readonly records: readonly LogRecord[];
  /** How many more there were, which the disk damaged. */
  readonly lost: number;
}

interface Half {
  readonly start: number;
  /** The number of the last record in it. */
  last: number;
}

/**
 * A write-ahead journal of fixed size: records are on the disk when `write` resolves, and stay until `confirm` says that another place has
 * them. One write at a time. What an earlier process left has to be in another place, and confirmed, before anything is written.
 */
export class Journal {
  readonly left: Left;
  readonly #file: string;
  readonly #fd: number;
  /** What records may fill of a half; the sector behind it is for a last confirmation. */
  readonly #fullBytes: number;
  readonly #encoder = new FrameEncoder();
  readonly #halves: readonly [Half, Half];
  #half: Half;
  #at: number;
  /** The number of the last record written, of the last one confirmed, and of that when the disk was last synced. */
  #written: number;
  #confirmed: number;
  #durablyConfirmed: number;
  #room = Promise.withResolvers<void>();

  /**
   * Opens the file, or makes it. One process at a time: whoever opens it has to hold the spool beside it.
   * @param halfBytes - default 8 MiB
   * @throws {GaplineError} `journal-unusable`
   */
  constructor(file: string, halfBytes = defaultHalfBytes) {
    this.#file = file;
    this.#fullBytes = halfBytes - sectorBytes;
    try {
      this.#fd = openWhole(file, 2 * halfBytes);
      const frames = readFrames(readWhole(this.#fd, 2 * halfBytes));
      const newest = frames.at(-1);
      this.#written = newest?.last ?? 0;
      this.#confirmed = Math.max(0, ...frames.map(({ confirmed }) => confirmed));
      // The process before may not have come to that.
      fdatasyncSync(this.#fd);
      this.#durablyConfirmed = this.#confirmed;
      this.left = leftIn(frames, this.#confirmed);
      const lastBefore = (end: number) =>
        Math.max(0, ...frames.map(({ at, last }) => (at < end && at >= end - halfBytes ? last : 0)));
      this.#halves = [
        { start: 0, last: lastBefore(halfBytes) },
        { start: halfBytes, last: lastBefore(2 * halfBytes) },
      ];
      this.#at = newest?.end ?? 0;
      this.#half = this.#halves[(newest?.at ?? 0) < halfBytes ? 0 : 1];
    } catch (cause) {
      throw unusable(file, cause);
    }
  }

  /** How many records are written and not confirmed. */
  get waiting(): number {
    return this.#written - this.#confirmed;
  }

  /**
   * Resolves once the disk has the records, which may have to wait until older ones are confirmed. Where it fails they count as written, and
   * have to be confirmed, all the same.
   * @throws {GaplineError} `journal-unusable`
   */
  async write(records: readonly LogRecord[]): Promise<void> {
    const last = this.#written + records.length;
    const size = frameSize(records);
    try {
      if (size > this.#fullBytes) throw new RangeError(`${size} bytes do not fit`);
      while (!this.#fits(size)) await this.#turn();
      const confirmed = this.#confirmed;
      this.#written = last;
      this.#put(records, confirmed);
      await sync(this.#fd);
      this.#durablyConfirmed = Math.max(this.#durablyConfirmed, confirmed);
    } catch (cause) {
      this.#written = last;
      throw unusable(this.#file, cause);
    }
  }

  /** The oldest of the records are in another place now, so many. */
  confirm(records: number): void {
    this.#confirmed += records;
    this.#room.resolve();
    this.#room = Promise.withResolvers();
    // Not synced: it outlives this process, and after a power loss the records only come once more.
    if (this.#fits(sectorBytes)) this.#put([], this.#confirmed);
  }

  /** All that an earlier process left is in another place now. */
  confirmLeft(): void {
    if (this.waiting > 0) this.confirm(this.waiting);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #fits(bytes: number): boolean {
    return this.#at + bytes <= this.#half.start + this.#fullBytes;
  }

  /** Begins the other half, as soon as all in it is confirmed and the disk knows that. */
  async #turn(): Promise<void> {
    const [first, second] = this.#halves;
    const other = this.#half === first ? second : first;
    while (other.last > this.#confirmed) await this.#room.promise;
    if (other.last > this.#durablyConfirmed) {
      const confirmed = this.#confirmed;
      this.#put([], confirmed);
      await sync(this.#fd);
      this.#durablyConfirmed = confirmed;
    }
    this.#half = other;
    this.#at = other.start;
  }

  #put(records: readonly LogRecord[], confirmed: number): void {
    const bytes = this.#encoder.encode(records, this.#written, confirmed);
    writeSync(this.#fd, bytes, 0, bytes.length, this.#at);
    this.#at += bytes.length;
    this.#half.last = this.#written;
  }
}

/**
 * Opens the file and writes all of it where it is new: later the disk cannot be full, and a sync need not wait for a file that grows.
 */
function openWhole(file: string, bytes: number): number {
  mkdirSync(dirname(file), { recursive: true });
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o644);
  const { size } = fstatSync(fd);
  if (size < bytes) {
    writeSync(fd, Buffer.alloc(bytes - size), 0, undefined, size);
    fsyncSync(fd);
    syncFolder(dirname(file));
  }
  return fd;
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

function readWhole(fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, 0);
  return bytes;
}

/**
 * A frame with records is written when all before it are on the disk; so what is missing before one was acknowledged, and what is missing
 * behind the last one was not.
 */
function leftIn(frames: readonly Frame[], confirmed: number): Left {
  const open = frames.filter(({ count, last }) => count > 0 && last > confirmed);
  const records = open.flatMap((frame) => recordsOf(frame).slice(Math.max(0, confirmed - (frame.last - frame.count))));
  return { records, lost: (open.at(-1)?.last ?? confirmed) - confirmed - records.length };
}

function unusable(file: string, cause: unknown): GaplineError {
  return new GaplineError('journal-unusable', `${file} cannot be used: ${describeError(cause)}`, { cause });
}
