import { Cron } from 'croner';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { EventLog } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import { endProcess } from '../core/stage/end-process.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { RunHistory, ScheduledRun } from './history.ts';
import { createMetrics, type RunResult } from './metrics.ts';

/** A command that runs. */
export interface RunningCommand {
  readonly pid: number | undefined;
  /** How it ended. It never rejects. */
  readonly ended: Promise<{ readonly code: number | null; readonly message: string }>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface ScheduleOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly history: RunHistory;
  /** Five fields, or six with seconds first. */
  readonly cron: string;
  /** Such as `Europe/Vienna`. Default: that of this machine. */
  readonly timezone?: string;
  /** What runs, for messages. */
  readonly title: string;
  readonly start: () => RunningCommand;
  /** How long a run has to end after SIGTERM. Default 6 s. */
  readonly graceMs?: number;
}

/** The times of an expression. @throws {GaplineError} `config-invalid` saying what is wrong with it */
export function timesOf(cron: string, timezone?: string): Cron {
  try {
    const times = new Cron(cron, { ...(timezone !== undefined && { timezone }) });
    if (times.nextRun()) return times;
  } catch (cause) {
    throw new GaplineError(
      'config-invalid',
      `--cron '${cron}': ${describeError(cause)}; expected five fields (minute hour day month weekday), such as '0 3 * * *', or six with seconds first`,
      { cause },
    );
  }
  throw new GaplineError('config-invalid', `--cron '${cron}' is never due again`);
}

/**
 * Runs a command each time that it is due, one run at a time: what is due while a run is under way is left out and counted. Times at
 * which nothing ran, because the schedule itself did not, are not made up for.
 */
export function createSchedule(options: ScheduleOptions): Stage {
  const { stream, log, logger, registry, history, title, graceMs = 6_000 } = options;
  const reporter = createReporter({ stream, stage: 'schedule' });
  const metrics = createMetrics(registry);
  let times: Cron | undefined;
  let current: { readonly command: RunningCommand; readonly done: Promise<void> } | undefined;
  let stopping = false;
  let lastFailure: string | undefined;
  let fail: (error: unknown) => void = () => {};

  /** A run that an earlier process of the schedule began and did not see end. */
  function isStillRunning(run: ScheduledRun | undefined): boolean {
    if (run?.result !== 'running') return false;
    if (run.pid !== undefined && isAlive(run.pid)) return true;
    history.keep({ ...run, result: 'lost' });
    metrics.ended('lost');
    logger.warn(`run ${run.number} of ${title} was under way when the schedule ended; how it ended is not known`);
    return false;
  }

  function due(): void {
    const { last } = history;
    if (current || isStillRunning(last)) {
      metrics.overlapped();
      if (last) history.keep({ ...last, overlaps: last.overlaps + 1 });
      logger.warn(`${title} is due while run ${last?.number} is still under way; it is left out`);
      return;
    }
    begin((last?.number ?? 0) + 1);
  }

  function begin(number: number): void {
    const beganMs = Date.now();
    const command = options.start();
    const run: ScheduledRun = {
      ...{ number, started: new Date(beganMs).toISOString(), result: 'running', overlaps: 0 },
      ...(command.pid !== undefined && { pid: command.pid }),
    };
    history.keep(run);
    metrics.began();
    logger.info(`run ${number} of ${title} begins`);
    const done = command.ended
      .then(({ code, message }) => {
        current = undefined;
        finish(number, beganMs, code, message);
      })
      .catch((error: unknown) => fail(error));
    current = { command, done };
  }

  function finish(number: number, beganMs: number, code: number | null, message: string): void {
    const result: RunResult = code === 0 ? 'succeeded' : stopping ? 'stopped' : 'failed';
    metrics.ended(result, Date.now() - beganMs);
    // Overlaps were counted meanwhile.
    const { last } = history;
    const { pid: _, ...kept } = last ?? { number, started: new Date(beganMs).toISOString(), overlaps: 0 };
    const failure = result === 'failed' && { message };
    history.keep({ ...kept, ended: new Date().toISOString(), result, code, ...failure });
    if (result === 'failed') {
      const what = `run ${number} of ${title} failed (${code === null ? 'ended by a signal' : `exit code ${code}`}): ${message}`;
      logger.error(what);
      reporter.noteError(what);
      lastFailure = what;
    } else {
      logger.info(`run ${number} of ${title} ${result}`);
      if (result === 'succeeded' && lastFailure !== undefined) reporter.endError(lastFailure);
    }
  }

  async function close(): Promise<void> {
    stopping = true;
    times?.stop();
    const running = current;
    if (running) await endProcess((signal) => running.command.kill(signal), running.done, graceMs);
    history.close();
  }

  return createStage({
    async open(failed) {
      // What ran cannot be kept where the disk is full or the folder is gone.
      fail = failed;
      isStillRunning(history.open().at(-1));
      times = timesOf(options.cron, options.timezone);
      times.schedule(() => {
        try {
          due();
        } catch (error) {
          fail(error);
        }
      });
      logger.info(`${title} runs next at ${times.nextRun()?.toISOString()}`);
    },
    close,
    report: () =>
      reportStatus({
        log,
        topic: stream.topics.status,
        logger,
        snapshot: async () => reporter.status({ counters: metrics.counters() }),
      }),
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is one too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
