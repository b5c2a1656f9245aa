import type { ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';
import { backoffMs } from '../../core/retry/backoff.ts';
import { type ErrorCode, errorCatalog, GaplineError } from '../../core/wire/errors.ts';
import { type Figures, type FromWorker, noFigures, type ToWorker } from './messages.ts';
import { SilenceWatch } from './silence.ts';

export interface WorkerProcessOptions {
  /** Counted from 1. */
  readonly slot: number;
  /** Starts a process that takes this worker's place and listens on the port. */
  readonly start: (slot: number, port: number) => ChildProcess;
  readonly logger: Logger;
  readonly received: (message: FromWorker, worker: WorkerProcess) => void;
  /** Called with the last figures of a process that ended. */
  readonly ended: (last: Figures) => void;
  /** A worker that sent nothing for so long hangs: it sends its figures every second. Default 30 s. */
  readonly silentMs?: number;
}

const restart = { firstMs: 100, maxMs: 5_000 };
/** A process that lived so long did not die of its start. */
const soundMs = 10_000;
const freshMs = 1_000;
const mostUnsent = 100;

/** One worker: a process, and the one that takes its place when it dies. */
export class WorkerProcess {
  readonly #options: WorkerProcessOptions;
  #child: ChildProcess | undefined;
  #figures = noFigures;
  #fresh: (() => void)[] = [];
  #url = Promise.withResolvers<string>();
  /** Where it listened last. Whoever waits for the first start gets the reason of a failure; later ones are tried until they work. */
  #port: number | undefined;
  #failures = 0;
  /** Messages on their way: a worker that is stopped reads none. */
  #unsent = 0;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  /** From when it listens on; a start may take its time. */
  #watch: SilenceWatch | undefined;
  #ended = Promise.withResolvers<void>();

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.#url.promise.catch(() => {});
  }

  get figures(): Figures {
    return this.#figures;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Resolves with the address when the worker listens.
   * @throws {GaplineError} what the worker could not start for
   */
  start(port: number): Promise<string> {
    this.#spawn(port);
    return this.#url.promise;
  }

  send(message: ToWorker): void {
    // A worker has one group of facts under way and waits for its answer.
    const hasToArrive = message.kind === 'stop' || message.kind === 'facts';
    if (!this.#child?.connected || (this.#unsent >= mostUnsent && !hasToArrive)) return;
    this.#unsent += 1;
    this.#child.send(message, () => {
      this.#unsent -= 1;
    });
  }

  /** Resolves when the worker has sent its figures of now; after a second with those that are known. */
  refresh(): Promise<void> {
    if (!this.#child?.connected) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, freshMs);
      this.#fresh.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.send({ kind: 'report' });
    });
  }

  /** Lets the worker finish what it has in hand; ends it after the grace. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (this.#child === undefined) return;
    this.send({ kind: 'stop' });
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), graceMs);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  #spawn(port: number): void {
    const bornMs = performance.now();
    const child = this.#options.start(this.#options.slot, port);
    this.#child = child;
    this.#unsent = 0;
    this.#ended = Promise.withResolvers();
    let reason: GaplineError | undefined;
    child.on('message', (message) => {
      const received = message as FromWorker;
      this.#watch?.heard();
      if (received.kind === 'failed') reason = errorOf(received);
      else this.#take(received);
    });
    // A process that cannot be started emits no `exit`.
    child.once('error', (error) => this.#gone({ bornMs, reason: error, how: error.message }));
    child.once('exit', (code, signal) => this.#gone({ bornMs, reason, how: signal ?? `exit code ${code}` }));
  }

  #take(message: FromWorker): void {
    if (message.kind === 'listening') {
      this.#port = Number(new URL(message.url).port);
      this.#url.resolve(message.url);
      this.#watch = new SilenceWatch(this.#options.silentMs ?? 30_000, () => this.#endSilent());
    } else if (message.kind === 'figures') {
      this.#figures = message.figures;
      for (const fresh of this.#fresh.splice(0)) fresh();
    } else {
      this.#options.received(message, this);
    }
  }

  /** SIGTERM would wait for a process that does nothing. What it acknowledged is in the log or in its spool. */
  #endSilent(): void {
    const { slot, logger } = this.#options;
    logger.error({ worker: slot }, `worker ${slot} hangs: it has sent nothing for too long; it is ended`);
    this.#child?.kill('SIGKILL');
  }

  #gone({ bornMs, reason, how }: { bornMs: number; reason: Error | undefined; how: string }): void {
    if (this.#child === undefined) return;
    const { slot, logger, ended } = this.#options;
    this.#child = undefined;
    this.#watch?.stop();
    this.#watch = undefined;
    for (const fresh of this.#fresh.splice(0)) fresh();
    ended(this.#figures);
    this.#figures = noFigures;
    this.#ended.resolve();
    if (this.#stopping) return;
    const port = this.#port;
    if (port === undefined) {
      this.#url.reject(reason ?? new GaplineError('internal', `worker ${slot} ended before it listened: ${how}`));
      return;
    }
    this.#failures = performance.now() - bornMs > soundMs ? 1 : this.#failures + 1;
    const waitMs = backoffMs(restart, this.#failures);
    logger.error({ worker: slot, how, waitMs }, `worker ${slot} ended (${reason?.message ?? how}); it is started anew`);
    this.#restart = setTimeout(() => this.#spawn(port), waitMs);
  }
}

function errorOf({ code, message }: { code: string | undefined; message: string }): GaplineError {
  const known = code !== undefined && code in errorCatalog ? (code as ErrorCode) : 'internal';
  return new GaplineError(known, message);
}
