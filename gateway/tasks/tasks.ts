import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { inTransaction } from '../../core/files/transaction.ts';
import { HttpProblem } from '../../core/http/problem.ts';

export const taskStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type TaskState = (typeof taskStates)[number];
export const taskKinds = ['train', 'predict'] as const;
export type TaskKind = (typeof taskKinds)[number];

/** One row of the table of tasks. */
export interface Task {
  readonly id: string;
  readonly kind: TaskKind;
  readonly stream: string;
  /** The id of the user who made it. */
  readonly user: string;
  readonly request: unknown;
  readonly state: TaskState;
  readonly created: string;
  readonly started: string | null;
  readonly ended: string | null;
  /** How often it was begun. */
  readonly attempts: number;
  /** Somebody wants it to end. */
  readonly cancelling: boolean;
  readonly progress: unknown;
  readonly result: unknown;
  /** Why it failed. */
  readonly reason: string | null;
}

export interface TasksOptions {
  readonly database: DatabaseSync;
  /** Tasks that may wait. Default 100. */
  readonly mostQueued?: number;
  /** Tasks that are over, of which the newest are kept. Default 1,000. */
  readonly mostEnded?: number;
  /** How long a claim lasts unless it is renewed. Default 15 s. */
  readonly leaseMs?: number;
  readonly nowMs?: () => number;
}

/** Large requests and results are kept of so many predictions that are over. */
const mostResults = 20;

type Ending =
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'cancelled' };

export type Unfinished = Readonly<Record<'queued' | 'running', number>>;

/**
 * Tasks as rows. Whoever works on one holds a lease on it, and renews that; a process that died gives its lease up by that, and the task is
 * begun again. Only the holder of the lease can end it.
 */
export class Tasks {
  readonly #options: Required<TasksOptions>;

  constructor(options: TasksOptions) {
    this.#options = { mostQueued: 100, mostEnded: 1_000, leaseMs: 15_000, nowMs: Date.now, ...options };
  }

  get leaseMs(): number {
    return this.#options.leaseMs;
  }

  /** @throws {HttpProblem} `tasks-full` */
  add({ kind, stream, user, request }: Pick<Task, 'kind' | 'stream' | 'user' | 'request'>): string {
    const { database, mostQueued } = this.#options;
    const id = randomUUID();
    inTransaction(database, () => {
      const row = database.prepare("SELECT count(*) AS queued FROM tasks WHERE state = 'queued'").get();
      if (Number(row?.queued) >= mostQueued)
        throw new HttpProblem('tasks-full', `${mostQueued} tasks are queued`, { retryAfterS: 60 });
      database
        .prepare(
          `INSERT INTO tasks (id, number, kind, stream, user, request, state, created)
           VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM tasks), ?, ?, ?, ?, 'queued', ?)`,
        )
        .run(id, kind, stream, user, JSON.stringify(request), this.#now());
    });
    return id;
  }

  byId(id: string): Task | undefined {
    return taskOf(this.#options.database.prepare('SELECT * FROM tasks WHERE id = ?').get(id));
  }

  /** The newest first, without requests and results. */
  list(most: number): Task[] {
    const columns =
      "id, kind, stream, user, 'null' AS request, state, created, started, ended, attempts, cancelling, progress, NULL AS result, reason";
    const rows = this.#options.database.prepare(`SELECT ${columns} FROM tasks ORDER BY number DESC LIMIT ?`).all(most);
    return rows.flatMap((row) => taskOf(row) ?? []);
  }

  /** How many of a kind are queued and running. */
  unfinishedOf(kind: TaskKind): Unfinished {
    return this.#unfinished((each) => each.kind === kind);
  }

  /** How many of these streams are queued and running. */
  unfinished(streams: readonly string[]): Unfinished {
    return this.#unfinished((each) => streams.includes(String(each.stream)));
  }

  #unfinished(counts: (each: Record<string, unknown>) => boolean): Unfinished {
    const sums = { queued: 0, running: 0 };
    const rows = this.#options.database
      .prepare(
        "SELECT kind, stream, state, count(*) AS tasks FROM tasks WHERE state IN ('queued', 'running') GROUP BY 1, 2, 3",
      )
      .all();
    for (const row of rows.filter(counts)) sums[row.state === 'queued' ? 'queued' : 'running'] += Number(row.tasks);
    return sums;
  }

  /** Takes the oldest task of a kind that nobody works on; none while one of the kind is worked on. */
  claim(kind: TaskKind, owner: string): Task | undefined {
    const { database, nowMs, leaseMs } = this.#options;
    return inTransaction(database, () => {
      const now = nowMs();
      const busy = database.prepare("SELECT 1 FROM tasks WHERE kind = ? AND state = 'running' AND lease > ?");
      if (busy.get(kind, now)) return undefined;
      const next = database
        .prepare("SELECT id FROM tasks WHERE kind = ? AND state IN ('running', 'queued') ORDER BY number LIMIT 1")
        .get(kind);
      if (!next) return undefined;
      const id = String(next.id);
      database
        .prepare(
          `UPDATE tasks SET state = 'running', owner = ?, lease = ?, attempts = attempts + 1,
             started = coalesce(started, ?) WHERE id = ?`,
        )
        .run(owner, now + leaseMs, this.#now(), id);
      return this.byId(id);
    });
  }

  /** Keeps a claim for longer; false where it was lost. */
  renew(id: string, owner: string, progress?: unknown): boolean {
    const { database, nowMs, leaseMs } = this.#options;
    const { changes } = database
      .prepare(
        `UPDATE tasks SET lease = ?, progress = coalesce(?, progress)
         WHERE id = ? AND owner = ? AND state = 'running'`,
      )
      .run(nowMs() + leaseMs, progress === undefined ? null : JSON.stringify(progress), id, owner);
    return changes === 1;
  }

  /**
   * Gives a claim back: the task is begun again by whoever takes it next.
   * @param counts - whether this was an attempt
   */
  release(id: string, owner: string, counts = false): void {
    this.#options.database
      .prepare(
        `UPDATE tasks SET state = 'queued', owner = NULL, lease = NULL, attempts = attempts - ?
         WHERE id = ? AND owner = ? AND state = 'running'`,
      )
      .run(counts ? 0 : 1, id, owner);
  }

  /** Ends a task; false where the claim was lost, and somebody else ends it. */
  end(id: string, owner: string, ending: Ending): boolean {
    const { database } = this.#options;
    const result = ending.state === 'done' ? JSON.stringify(ending.result) : null;
    const reason = ending.state === 'failed' ? ending.reason : null;
    const { changes } = database
      .prepare(
        `UPDATE tasks SET state = ?, ended = ?, result = ?, reason = ?, owner = NULL, lease = NULL,
           request = CASE kind WHEN 'predict' THEN 'null' ELSE request END
         WHERE id = ? AND owner = ? AND state = 'running'`,
      )
      .run(ending.state, this.#now(), result, reason, id, owner);
    this.#prune();
    return changes === 1;
  }

  /**
   * Cancels a task that is queued; one that runs ends soon.
   * @throws {HttpProblem} `task-ended`
   */
  cancel(id: string): void {
    const { database } = this.#options;
    const queued = database
      .prepare("UPDATE tasks SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'queued'")
      .run(this.#now(), id);
    if (queued.changes === 1) return;
    const running = database.prepare("UPDATE tasks SET cancelling = 1 WHERE id = ? AND state = 'running'").run(id);
    if (running.changes !== 1) throw new HttpProblem('task-ended', 'the task is over, so it cannot be cancelled');
  }

  #prune(): void {
    const { database, mostEnded } = this.#options;
    const ended = "state IN ('done', 'failed', 'cancelled')";
    database
      .prepare(
        `DELETE FROM tasks WHERE ${ended} AND number <=
           (SELECT number FROM tasks WHERE ${ended} ORDER BY number DESC LIMIT 1 OFFSET ?)`,
      )
      .run(mostEnded);
    database
      .prepare(
        `UPDATE tasks SET result = NULL, reason = 'the result was removed: newer ones took its place'
         WHERE kind = 'predict' AND state = 'done' AND result IS NOT NULL AND number <=
           (SELECT number FROM tasks WHERE kind = 'predict' AND state = 'done' ORDER BY number DESC LIMIT 1 OFFSET ?)`,
      )
      .run(mostResults);
  }

  #now(): string {
    return new Date(this.#options.nowMs()).toISOString();
  }
}

const parsed = (value: SQLOutputValue | undefined): unknown => (typeof value === 'string' ? JSON.parse(value) : null);
const textOf = (value: SQLOutputValue | undefined): string | null => (typeof value === 'string' ? value : null);

function taskOf(row: Record<string, SQLOutputValue> | undefined): Task | undefined {
  if (!row) return undefined;
  return {
    id: String(row.id),
    kind: String(row.kind) as TaskKind,
    stream: String(row.stream),
    user: String(row.user),
    request: parsed(row.request),
    state: String(row.state) as TaskState,
    created: String(row.created),
    started: textOf(row.started),
    ended: textOf(row.ended),
    attempts: Number(row.attempts),
    cancelling: row.cancelling === 1,
    progress: parsed(row.progress),
    result: parsed(row.result),
    reason: textOf(row.reason),
  };
}
