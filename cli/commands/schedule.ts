import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describeError, GaplineError, oneLine } from '../../core/wire/errors.ts';
import { RunHistory, type ScheduledRun } from '../../scheduling/history.ts';
import { createSchedule, type RunningCommand, timesOf } from '../../scheduling/schedule.ts';
import { complain, print } from '../print.ts';
import { run } from '../run.ts';
import { prepare, probesOf, type StageOptions } from './stages.ts';

export interface ScheduleOptions extends StageOptions {
  readonly cron?: string;
  readonly timezone?: string;
  readonly name?: string;
  readonly list?: boolean;
}

/** Commands that come to an end by themselves. */
const schedulable = ['train', 'export', 'backup', 'models', 'doctor'];

/** Characters of the end of a run's errors that are looked at for the last line. */
const mostTail = 8_000;

/** Runs another command by a cron expression, until it is stopped; or lists what ran. */
export async function scheduleCommand(words: readonly string[], options: ScheduleOptions): Promise<void> {
  const [command = ''] = words;
  const name = options.name ?? command;
  if (!/^[\w-]{1,40}$/.test(name))
    throw new GaplineError(
      'config-invalid',
      options.list
        ? '--list needs --name, or the command behind --'
        : 'name the command to run behind --, such as -- train',
    );
  if (options.list) return list(new RunHistory(options.data, name).read());
  if (!schedulable.includes(command))
    throw new GaplineError('config-invalid', `${command} cannot be scheduled; these can: ${schedulable.join(', ')}`);
  if (options.cron === undefined)
    throw new GaplineError('config-invalid', "--cron is missing, such as --cron '0 3 * * *'");
  timesOf(options.cron, options.timezone);
  const runtime = await prepare('schedule', options);
  const { stream, log, logger, registry } = runtime;
  const args = completed(words, options);
  const schedule = createSchedule({
    ...{ stream, log, logger, registry, cron: options.cron, title: words.join(' ') },
    ...(options.timezone !== undefined && { timezone: options.timezone }),
    history: new RunHistory(options.data, name),
    start: () => start(args),
  });
  await run({ logger, parts: [runtime.ready, schedule, probesOf(runtime, options)] });
}

/** The command of the same stream and state, where it names no other. */
function completed(words: readonly string[], { config, data, set }: ScheduleOptions): string[] {
  const has = (option: string) => words.some((word) => word === option || word.startsWith(`${option}=`));
  return [
    ...words,
    ...(has('--config') ? [] : ['--config', config, ...set.flatMap((change) => ['--set', change])]),
    ...(has('--data') ? [] : ['--data', data]),
  ];
}

/** Another process of this program. What it prints goes where ours goes. */
function start(args: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...args], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complain(text);
    tail = (tail + text).slice(-mostTail);
  });
  const failed = once(child, 'error').then(([error]) => ({ code: -1, message: describeError(error) }));
  const closed = once(child, 'close').then(([code]) => ({ code: code as number | null, message: lastLineOf(tail) }));
  return {
    pid: child.pid,
    // A process that could not be started says so first, and may close too.
    ended: Promise.race([failed, closed.catch((error) => ({ code: -1, message: describeError(error) }))]),
    kill: (signal) => void child.kill(signal),
  };
}

const lastLineOf = (text: string): string => oneLine(text.trimEnd().split('\n').at(-1) || 'it wrote no error');

function list(runs: readonly ScheduledRun[]): void {
  if (runs.length === 0) print('nothing ran yet\n');
  for (const { number, started, ended, result, overlaps, message } of runs) {
    const took = ended === undefined ? '' : ` in ${((Date.parse(ended) - Date.parse(started)) / 1_000).toFixed(1)} s`;
    const left = overlaps === 0 ? '' : `, due ${overlaps} times meanwhile`;
    print(`${number}  ${started}  ${result}${took}${left}${message === undefined ? '' : `: ${message}`}\n`);
  }
}
