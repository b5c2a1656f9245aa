import { constants, type FileHandle, open } from 'node:fs/promises';

/** Undefined where the system has no such flag. */
const pastCache: number | undefined = constants.O_DIRECT;
/** What goes past the cache begins, in memory and in the file, at multiples of this, and is as long; no disk asks for more. */
const pageBytes = 4_096;
/** One piece is filled while others are written. */
const pieceBytes = 2 << 20;
const pieces = 4;

/** Memory that files are written from, one after the other: of WebAssembly, because that begins with a page of the system. */
export const roomForFiles = (): Uint8Array =>
  new Uint8Array(new WebAssembly.Memory({ initial: (pieces * pieceBytes) >> 16 }).buffer);

/**
 * A new file that is written from its beginning to its end, past the system's cache where its file system can (`O_DIRECT` of open(2)): what
 * is large and not read soon needs no memory there, and no copy into it. Elsewhere it is written as any file.
 */
export class NewFile {
  readonly #path: string;
  readonly #room: Uint8Array;
  readonly #handle: FileHandle;
  readonly #direct: boolean;
  /** Of a file system that found out only with the first bytes that it cannot do it. */
  #plain: Promise<FileHandle> | undefined;
  /** Which piece is filled, up to where, and where in the file it goes. */
  #piece = 0;
  #filled = 0;
  #position = 0;
  /** By piece, until when it is written. */
  readonly #writing: Promise<void>[] = [];

  private constructor(path: string, room: Uint8Array, { handle, direct }: Opened) {
    this.#path = path;
    this.#room = room;
    this.#handle = handle;
    this.#direct = direct;
  }

  /**
   * @param room - of {@link roomForFiles}, of no other file until this one is closed
   * @throws {NodeJS.ErrnoException} where the file is there already, or cannot be made
   */
  static async create(path: string, room: Uint8Array): Promise<NewFile> {
    return new NewFile(path, room, await openNew(path));
  }

  /**
   * Resolves as soon as the bytes may change.
   * @throws {NodeJS.ErrnoException} what writing failed with, of these bytes or earlier ones
   */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const some = bytes.subarray(at, at + pieceBytes - this.#filled);
      this.#room.set(some, this.#piece * pieceBytes + this.#filled);
      this.#filled += some.length;
      at += some.length;
      if (this.#filled === pieceBytes) await this.#next();
    }
  }

  /**
   * Resolves, once all bytes are written, with how many they are; they are not durable yet. To be called also where something failed.
   * @throws {NodeJS.ErrnoException} what writing failed with
   */
  async close(): Promise<number> {
    const length = this.#position + this.#filled;
    try {
      if (this.#filled > 0) await this.#next();
      await Promise.all(this.#writing);
      if (length % pageBytes > 0) await this.#handle.truncate(length);
    } finally {
      await Promise.allSettled(this.#writing);
      await this.#handle.close();
      // Whether it could be opened was told by who writes.
      await this.#plain?.then(
        (plain) => plain.close(),
        () => {},
      );
    }
    return length;
  }

  /** Begins to write the piece that is filled, and waits until the next one can be. The last one is written up to the end of its page. */
  async #next(): Promise<void> {
    const from = this.#piece * pieceBytes;
    const length = Math.ceil(this.#filled / pageBytes) * pageBytes;
    const writing = this.#write(this.#room.subarray(from, from + length), this.#position);
    // Whoever waits for it is told; until then nobody does.
    writing.catch(() => {});
    this.#writing[this.#piece] = writing;
    this.#position += this.#filled;
    this.#piece = (this.#piece + 1) % pieces;
    this.#filled = 0;
    await this.#writing[this.#piece];
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      await writeAll(this.#handle, bytes, position);
    } catch (error) {
      if (!this.#direct || !isInvalid(error)) throw error;
      this.#plain ??= open(this.#path, 'r+');
      await writeAll(await this.#plain, bytes, position);
    }
  }
}

interface Opened {
  readonly handle: FileHandle;
  readonly direct: boolean;
}

async function openNew(path: string): Promise<Opened> {
  if (pastCache === undefined) return { handle: await open(path, 'wx'), direct: false };
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | pastCache;
    return { handle: await open(path, flags), direct: true };
  } catch (error) {
    if (!isInvalid(error)) throw error;
    // The file was made all the same: open(2).
    return { handle: await open(path, 'w'), direct: false };
  }
}

/** What a file system says that cannot write past the cache, or not these bytes. */
const isInvalid = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EINVAL';

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}
