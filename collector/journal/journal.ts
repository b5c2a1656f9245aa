import { closeSync, fdatasync, fdatasyncSync } from 'node:fs';
import { promisify } from 'node:util';
import type { LogRecord } from '../../core/log/port.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { openWhole, readAll, writeAll } from './file.ts';
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

const nothing: Left = { records: [], lost: 0 };

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
  readonly #file: string;
  readonly #fd: number;
  /** What records may fill of a half; the sector behind it is for a last confirmation. */
  readonly #fullBytes: number;
  readonly #encoder = new FrameEncoder();
  readonly #halves: readonly [Half, Half];
  #half: Half;
  #at: number;
  #left: Left;
  /** The number of the last record that was written, is on the disk, is confirmed, and is confirmed as the disk has it. */
  #written: number;
  #durable: number;
  #confirmed: number;
  #durablyConfirmed: number;
  #room = Promise.withResolvers<void>();
  #closed = false;

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
      const frames = readFrames(readAll(this.#fd, 2 * halfBytes));
      const newest = frames.at(-1);
      this.#written = Math.max(0, ...frames.map(({ last, durable }) => Math.max(last, durable)));
      this.#durable = this.#written;
      this.#confirmed = Math.max(0, ...frames.map(({ confirmed }) => confirmed));
      // The process before may not have come to that.
      fdatasyncSync(this.#fd);
      this.#durablyConfirmed = this.#confirmed;
      this.#left = leftIn(frames, this.#confirmed);
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

  /** What an earlier process left, until that is confirmed. */
  get left(): Left {
    return this.#left;
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
      const durable = this.#written;
      this.#written = last;
      this.#at += this.#put(this.#at, records, durable);
      await sync(this.#fd);
      this.#durable = last;
      this.#durablyConfirmed = Math.max(this.#durablyConfirmed, confirmed);
    } catch (cause) {
      this.#written = last;
      throw unusable(this.#file, cause);
    }
  }

  /** The oldest of the records are in another place now, so many. */
  confirm(records: number): void {
    this.#confirmed += records;
    this.#durable = Math.max(this.#durable, this.#confirmed);
    this.#room.resolve();
    this.#room = Promise.withResolvers();
    if (this.#closed || !this.#fits(sectorBytes)) return;
    try {
      // Not synced: it outlives this process, and after a power loss the records only come once more.
      this.#at += this.#put(this.#at, [], this.#durable);
    } catch {
      // As after a power loss. The next write tells of the disk.
    }
  }

  /** All that an earlier process left is in another place now. */
  confirmLeft(): void {
    this.#left = nothing;
    if (this.waiting > 0) this.confirm(this.waiting);
  }

  close(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
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
      this.#put(this.#half.start + this.#fullBytes, [], this.#durable);
      await sync(this.#fd);
      this.#durablyConfirmed = confirmed;
    }
    this.#half = other;
    this.#at = other.start;
  }

  /** Writes a frame and returns its size. */
  #put(at: number, records: readonly LogRecord[], durable: number): number {
    const numbers = { last: this.#written, confirmed: this.#confirmed, durable };
    const bytes = this.#encoder.encode(records, numbers);
    writeAll(this.#fd, bytes, at);
    this.#half.last = this.#written;
    return bytes.length;
  }
}

/**
 * What is missing up to the last record that a frame says was on the disk, or before the last one that is there, was acknowledged. What
 * came behind that was not, as far as a disk that damages it leaves a sign.
 */
function leftIn(frames: readonly Frame[], confirmed: number): Left {
  const open = frames.filter(({ count, last }) => count > 0 && last > confirmed);
  const records = open.flatMap((frame) => recordsOf(frame).slice(Math.max(0, confirmed - (frame.last - frame.count))));
  const promised = Math.max(confirmed, open.at(-1)?.last ?? 0, ...frames.map(({ durable }) => durable));
  return { records, lost: promised - confirmed - records.length };
}

function unusable(file: string, cause: unknown): GaplineError {
  return new GaplineError('journal-unusable', `${file} cannot be used: ${describeError(cause)}`, { cause });
}
