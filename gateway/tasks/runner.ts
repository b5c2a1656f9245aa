import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { describeError } from '../../core/wire/errors.ts';
import type { Task, TaskKind, Tasks } from './tasks.ts';

/** How a kind of task is done. */
export interface Work {
  /**
   * Does a task, which may have been begun before. Ends early when `signal` is aborted.
   * @throws {ProcessDied} where it should be begun again
   */
  run(task: Task, context: { readonly signal: AbortSignal; onProgress(progress: unknown): void }): Promise<unknown>;
}

/** The process that did the work ended without saying why. */
export class ProcessDied extends Error {}

export interface RunnerOptions {
  readonly kind: TaskKind;
  readonly tasks: Tasks;
  readonly work: Work;
  readonly logger: Logger;
  /** Called when a task is over. */
  readonly onEnded?: (task: Task) => void;
  /** How often tasks are looked for that another process left. Default 1 s. */
  readonly pollMs?: number;
}

/** A task whose process died so often is given up. */
const mostAttempts = 3;

/** Works off the tasks of a kind, one at a time. */
export class Runner {
  readonly #options: Required<RunnerOptions>;
  readonly #owner = randomUUID();
  readonly #stopping = new AbortController();
  #wake: (() => void) | undefined;
  #loop: Promise<void> | undefined;
  #current: { readonly id: string; readonly abort: AbortController } | undefined;

  constructor(options: RunnerOptions) {
    this.#options = { onEnded: () => {}, pollMs: 1_000, ...options };
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** A task that runs is given back, to be begun again by the next process. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#current?.abort.abort();
    this.#wake?.();
    await this.#loop;
  }

  /** Looks for a task now. */
  wake(): void {
    this.#wake?.();
  }

  /** Ends a task early, if it runs here. */
  cancel(id: string): void {
    if (this.#current?.id === id) this.#current.abort.abort();
  }

  async #run(): Promise<void> {
    const { tasks, kind, logger, pollMs } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        const task = tasks.claim(kind, this.#owner);
        if (task) await this.#do(task);
        else await this.#wait(pollMs);
      } catch (error) {
        logger.error({ err: error }, `a task could not be worked on: ${describeError(error)}`);
        await this.#wait(pollMs);
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #do(task: Task): Promise<void> {
    const { tasks, work, onEnded, logger } = this.#options;
    const abort = new AbortController();
    this.#current = { id: task.id, abort };
    if (task.cancelling) abort.abort();
    let progress: unknown;
    const renewing = setInterval(
      () => {
        const isOurs = tasks.renew(task.id, this.#owner, progress);
        if (!isOurs || tasks.byId(task.id)?.cancelling) abort.abort();
      },
      Math.min(1_000, tasks.leaseMs / 3),
    );
    try {
      const result = await work.run(task, {
        signal: abort.signal,
        onProgress: (now) => {
          progress = now;
        },
      });
      tasks.end(task.id, this.#owner, { state: 'done', result });
    } catch (error) {
      this.#failed(task, error, abort.signal);
    } finally {
      clearInterval(renewing);
      this.#current = undefined;
    }
    const ended = tasks.byId(task.id);
    if (ended?.ended) {
      logger.info({ task: ended.id }, `task ${ended.id} (${ended.kind}) is ${ended.state}`);
      onEnded(ended);
    }
  }

  #failed({ id, attempts }: Task, error: unknown, { aborted }: AbortSignal): void {
    const { tasks } = this.#options;
    if (tasks.byId(id)?.cancelling) tasks.end(id, this.#owner, { state: 'cancelled' });
    else if (this.#stopping.signal.aborted || (aborted && error instanceof ProcessDied)) tasks.release(id, this.#owner);
    else if (error instanceof ProcessDied && attempts < mostAttempts) tasks.release(id, this.#owner, true);
    else tasks.end(id, this.#owner, { state: 'failed', reason: describeError(error) });
  }
}
