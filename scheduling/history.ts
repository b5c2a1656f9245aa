import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { explainFileError } from '../core/files/fault.ts';
import { type Lock, tryLock } from '../core/files/lock.ts';
import { readWholeSync } from '../core/files/whole.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';

const runSchema = z.object({
  number: z.int().min(1),
  started: z.string(),
  ended: z.string().optional(),
  result: z.enum(['running', 'succeeded', 'failed', 'stopped', 'lost']),
  /** Of the process. */
  pid: z.int().optional(),
  /** With which it ended; null where a signal ended it. */
  code: z.int().nullable().optional(),
  /** The last line that it wrote to standard error, where it failed. */
  message: z.string().optional(),
  /** How often it was due again while it ran. */
  overlaps: z.int().min(0),
});

/** One run of a scheduled command. `lost`: the schedule ended before the run did, so nobody saw how. */
export type ScheduledRun = z.output<typeof runSchema>;

const historySchema = z.object({ runs: z.array(runSchema) });

/** Runs that are kept, the newest. */
const mostRuns = 100;
const mostBytes = 1_000_000;

/** The runs of one schedule, in a file that is written whole or not at all. */
export class RunHistory {
  readonly #file: string;
  readonly #name: string;
  #runs: ScheduledRun[] = [];
  #lock: Lock | undefined;

  /**
   * @param folder - made if it is missing
   * @param name - of the schedule: a name of a file
   */
  constructor(folder: string, name: string) {
    this.#name = name;
    this.#file = join(folder, `${name}.schedule.json`);
    mkdirSync(folder, { recursive: true });
  }

  /** The kept runs, the oldest first. @throws {GaplineError} where the file is damaged */
  read(): readonly ScheduledRun[] {
    let text: string;
    try {
      text = readWholeSync(this.#file, mostBytes).toString();
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw explainFileError(error) ?? error;
    }
    try {
      return historySchema.parse(JSON.parse(text)).runs;
    } catch (cause) {
      const detail = `${this.#file} is damaged: ${describeError(cause)}; delete it, and only what is known of earlier runs is gone`;
      throw new GaplineError('data-invalid', detail, { cause });
    }
  }

  /**
   * Takes the history for this process; the system gives it back when the process ends, however that happens.
   * @throws {GaplineError} `schedule-active` where another one has it
   */
  open(): readonly ScheduledRun[] {
    this.#lock = this.#take();
    this.#runs = [...this.read()];
    return this.#runs;
  }

  #take(): Lock {
    try {
      const lock = tryLock(`${this.#file}.lock`);
      if (lock) return lock;
    } catch (error) {
      throw explainFileError(error) ?? error;
    }
    const detail = `another gapline schedule is at work on ${this.#name} here (${this.#file}); choose another --name`;
    throw new GaplineError('schedule-active', detail);
  }

  /** Keeps a run, in place of what was known of it. */
  keep(run: ScheduledRun): void {
    this.#runs = [...this.#runs.filter(({ number }) => number !== run.number), run].slice(-mostRuns);
    const part = `${this.#file}.part`;
    try {
      writeFileSync(part, JSON.stringify({ runs: this.#runs }), { flush: true });
      renameSync(part, this.#file);
    } catch (error) {
      throw explainFileError(error) ?? error;
    }
  }

  get last(): ScheduledRun | undefined {
    return this.#runs.at(-1);
  }

  close(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }
}
