import type { DatabaseSync } from 'node:sqlite';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { isBusy } from '../../wire/sqlite-code.ts';
import { AppendError } from '../port.ts';
import { logError } from './errors.ts';

/** A transaction takes no more jobs once it is this large, so that none blocks the event loop for long. */
const maxTransactionBytes = 4 << 20;
/** How long to wait before the next attempt while another process writes to the file. */
const busyRetryMs = 10;

/** What may share a transaction with others. */
export interface Job {
  /** About how many bytes it will write. */
  readonly bytes: number;
  /** It starts no later than this, in milliseconds of `performance.now()`. */
  readonly deadline: number;
  /** Does its writes. May refuse by throwing a {@link GaplineError}, but only before its first write. */
  run(): void;
}

interface Queued {
  readonly job: Job;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface SqliteWriterOptions {
  readonly db: DatabaseSync;
  readonly file: string;
  /** The most bytes that may wait; more are refused. */
  readonly maxWaitingBytes: number;
  /** Called inside each transaction as its last act. */
  readonly finish: () => void;
  /** Makes what was committed durable, or throws. */
  readonly sync: () => void;
  /** Called after each commit, before any job of it resolves. */
  readonly committed: () => void;
  /** Called when a transaction was undone. */
  readonly undone: () => void;
}

/** Group commit: all jobs that are submitted in one turn of the event loop share a transaction, and with it the wait for the disk. */
export class SqliteWriter {
  readonly #options: SqliteWriterOptions;
  #queue: Queued[] = [];
  #waitingBytes = 0;
  #scheduled = false;
  #idle: (() => void) | undefined;

  constructor(options: SqliteWriterOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the job is durable.
   * @throws {AppendError} when the file cannot be written; the outcome says whether the job may be there after all.
   */
  submit(job: Job): Promise<void> {
    const { maxWaitingBytes } = this.#options;
    if (this.#waitingBytes + job.bytes > maxWaitingBytes && this.#queue.length > 0) {
      return Promise.reject(new AppendError('refused', `${this.#waitingBytes >> 20} MB wait to be written already`));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#waitingBytes += job.bytes;
      this.#schedule();
    });
  }

  /** Resolves once nothing waits any more. */
  drained(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  #schedule(afterMs = 0): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const flush = () => {
      this.#scheduled = false;
      this.#flush();
      if (this.#queue.length > 0) this.#schedule(this.#begun ? 0 : busyRetryMs);
      else this.#idle?.();
    };
    if (afterMs === 0) setImmediate(flush);
    else setTimeout(flush, afterMs);
  }

  /** Whether the last transaction could be begun. */
  #begun = true;
  /** Why nothing is written any more: what follows a commit that the disk may have lost would be lost with it. */
  #unsynced: AppendError | undefined;

  #flush(): void {
    const { db, file } = this.#options;
    this.#refuseLate();
    if (this.#queue.length === 0) return;
    if (this.#unsynced) {
      this.#refuseAll(this.#unsynced);
      return;
    }
    try {
      db.exec('BEGIN IMMEDIATE');
      this.#begun = true;
    } catch (error) {
      this.#begun = false;
      if (!isBusy(error)) this.#refuseAll(refusal(file, error, 'refused'));
      return;
    }
    this.#transact();
  }

  #refuseAll(error: GaplineError): void {
    for (const { reject } of this.#take(this.#queue.length)) reject(error);
  }

  #transact(): void {
    const { db, file, finish, undone } = this.#options;
    const jobs = this.#take(this.#countOfNext());
    const refused = new Map<Queued, GaplineError>();
    let committing = false;
    try {
      for (const queued of jobs) runJob(queued, refused);
      finish();
      committing = true;
      db.exec('COMMIT');
    } catch (error) {
      // A commit that failed on the way to the disk may be found there after a crash.
      const certain = this.#rollBack() && (!committing || isBusy(error));
      undone();
      for (const queued of jobs) {
        queued.reject(refused.get(queued) ?? refusal(file, error, certain ? 'refused' : 'unknown'));
      }
      return;
    }
    const failure = this.#sync();
    this.#options.committed();
    for (const queued of jobs) {
      const error = refused.get(queued) ?? failure;
      if (error) queued.reject(error);
      else queued.resolve();
    }
  }

  /** Why what was committed is perhaps not durable. */
  #sync(): GaplineError | undefined {
    try {
      this.#options.sync();
      return undefined;
    } catch (error) {
      const what = `${this.#options.file}: the disk did not take what was written (${describeError(error)})`;
      this.#unsynced = new AppendError(
        'refused',
        `${what}; nothing more is taken until Gapline is started again`,
        error,
      );
      return new AppendError('unknown', what, error);
    }
  }

  /** How many of the waiting jobs one transaction takes: at least one. */
  #countOfNext(): number {
    let bytes = 0;
    const full = this.#queue.findIndex(({ job }) => {
      bytes += job.bytes;
      return bytes > maxTransactionBytes;
    });
    return full < 0 ? this.#queue.length : Math.max(1, full);
  }

  #rollBack(): boolean {
    try {
      if (this.#options.db.isTransaction) this.#options.db.exec('ROLLBACK');
      return true;
    } catch {
      return false;
    }
  }

  #take(count: number): Queued[] {
    const taken = this.#queue.splice(0, count);
    for (const { job } of taken) this.#waitingBytes -= job.bytes;
    return taken;
  }

  #refuseLate(): void {
    const now = performance.now();
    const late = this.#queue.filter(({ job }) => job.deadline < now);
    if (late.length === 0) return;
    this.#queue = this.#queue.filter(({ job }) => job.deadline >= now);
    for (const { job, reject } of late) {
      this.#waitingBytes -= job.bytes;
      reject(new AppendError('refused', `${this.#options.file} is held by another process`));
    }
  }
}

function runJob(queued: Queued, refused: Map<Queued, GaplineError>): void {
  try {
    queued.job.run();
  } catch (error) {
    if (!(error instanceof GaplineError)) throw error;
    refused.set(queued, error);
  }
}

function refusal(file: string, error: unknown, outcome: 'refused' | 'unknown'): GaplineError {
  const meaning = logError(file, error);
  return meaning.code === 'log-corrupt' ? meaning : new AppendError(outcome, meaning.message, error);
}
