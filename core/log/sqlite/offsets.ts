import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Partition } from './topics.ts';

/** How far each group has come. */
export class Offsets {
  readonly #register: StatementSync;
  readonly #get: StatementSync;
  readonly #advance: StatementSync;
  readonly #hold: StatementSync;
  readonly #release: StatementSync;

  constructor(db: DatabaseSync) {
    this.#register = db.prepare(
      'INSERT OR IGNORE INTO log_offsets (grp, partition, next) SELECT ?, id, first FROM log_partitions WHERE id = ?',
    );
    this.#get = db.prepare('SELECT next FROM log_offsets WHERE grp = ? AND partition = ?');
    this.#hold = db.prepare(
      'INSERT INTO log_holds VALUES (?, ?, ?) ON CONFLICT (grp, partition) DO UPDATE SET next = excluded.next',
    );
    this.#release = db.prepare('DELETE FROM log_holds WHERE grp = ? AND partition = ?');
    this.#advance = db.prepare('UPDATE log_offsets SET next = ? WHERE grp = ? AND partition = ? AND next = ?');
  }

  /** Makes a group known, so that retention waits for it. It begins at the oldest record kept. */
  register(group: string, { id }: Partition): void {
    this.#register.run(group, id);
  }

  of(group: string, { id }: Partition): bigint | undefined {
    return this.#get.get(group, id)?.next as bigint | undefined;
  }

  /** False, and nothing written, where the group is not at `from` any more. */
  advance(group: string, { id }: Partition, from: bigint, to: bigint): boolean {
    return this.#advance.run(to, group, id, from).changes === 1n;
  }

  /** Keeps the records from an offset on for the group's checkpoint; undefined: it has none and needs none. */
  hold(group: string, { id }: Partition, from: bigint | undefined): void {
    if (from === undefined) this.#release.run(group, id);
    else this.#hold.run(group, id, from);
  }
}
