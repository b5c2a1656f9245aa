import { closeSync, fdatasyncSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/**
 * Syncs SQLite's write-ahead log. SQLite would do it itself (`synchronous = FULL`), with `fsync`, which waits for the times of the file, too:
 * on Linux a second write to the disk. Its checkpoints are SQLite's own: `synchronous = NORMAL` syncs what those need.
 */
export class WriteAheadLog {
  readonly #descriptor: number;

  /** @param db - in a file, and written to before: else there is no such log yet */
  constructor(db: DatabaseSync) {
    this.#descriptor = openSync(`${db.location()}-wal`, 'r+');
  }

  /**
   * Returns once everything that was committed is on the disk.
   * @throws where it may not be; a later call cannot tell whether it is
   */
  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
