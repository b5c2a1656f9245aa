/** One object, as a listing or a look at its head tells of it. */
export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  /** When it was written, by the clock of the storage, in milliseconds since the epoch. */
  readonly modifiedMs: number;
  /** Where the storage keeps versions. */
  readonly version?: string;
}

/**
 * Named bytes: one contract, two engines (`folder.ts`, `s3.ts`), one suite (`contract.test.ts`). A key is a path of names with `/`
 * between. Every call rejects with a `GaplineError` that says what to do; one that is retryable was tried several times.
 */
export interface ObjectStore {
  /** Where it is, for messages: without a secret. */
  readonly name: string;
  /**
   * Writes an object whole or not at all: who reads the key gets the bytes from before or these. It is durable when this resolves.
   * @returns the version, where the storage keeps versions
   */
  put(key: string, bytes: Uint8Array): Promise<{ readonly version?: string }>;
  /**
   * Where objects are files, names for such as other threads write, which are then made objects.
   * @param prefix - what keys of these objects begin with: a path that ends in `/`
   */
  staging?(prefix: string): Staging;
  /** @returns undefined where there is no such object */
  head(key: string): Promise<ObjectInfo | undefined>;
  /**
   * The bytes of an object, or of an older version of it.
   * @returns undefined where there is no such object
   */
  get(key: string, version?: string): Promise<Uint8Array | undefined>;
  /** Whole objects whose key begins so, in any order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Every version of one object, the newest first; deletions are left out. @throws {GaplineError} where the storage keeps none */
  versions(key: string): Promise<readonly ObjectInfo[]>;
  /** Safe to repeat. Older versions stay, where the storage keeps versions. */
  delete(key: string): Promise<void>;
}

/** New files that are to be objects. A process that dies leaves them to the next one that lists. */
export interface Staging {
  /** What their paths begin with. The folder is maybe not there yet. */
  readonly path: string;
  /** Makes a file an object, as `put` does with bytes. */
  adopt(key: string, file: string): Promise<void>;
  /** Deletes those that are no objects. */
  clear(): Promise<void>;
}

/** An object may be so large; it is held in memory whole. */
export const mostObjectBytes = 256 << 20;
