import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines } from './obtain.ts';

/** A real server in a process of its own. */
export interface ServerHandle {
  readonly name: string;
  readonly url: string;
  /** Of the process that runs now or ran last. */
  readonly pid: number;
  readonly dataFolder: string;
  readonly logFile: string;
  /** Ends it for good: SIGTERM, SIGKILL after 20 s; a data folder of its own making is removed. Safe to call twice. */
  stop(): Promise<void>;
  /** Ends the process and keeps port and data, for {@link ServerHandle.restart}. SIGKILL unless told otherwise. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** SIGSTOP: it neither works nor closes its connections, once this resolves. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /** Starts it again on the same port and data, after SIGTERM if it still runs; resolves when it is ready. Rejects once it was stopped for good. */
  restart(): Promise<void>;
  /** Whether it was stopped for good. */
  readonly stopped: boolean;
}

export interface ServerSpec {
  readonly name: string;
  readonly url: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly data: DataFolder;
  /** Runs once, before the first start. */
  prepare?(): Promise<void>;
  /** Asked every 100 ms; gets what this process has written so far. */
  ready(output: () => string): boolean | Promise<boolean>;
  /** Default 60 s: the machine may be busy. */
  readonly readyWithinMs?: number;
}

/** A server's data, and whether to remove it with the server. */
export interface DataFolder {
  readonly path: string;
  readonly temporary: boolean;
}

/** The given folder, made if missing, else a new temporary one. */
export async function dataFolder(name: string, path?: string): Promise<DataFolder> {
  if (path === undefined) return { path: await mkdtemp(join(tmpdir(), `gapline-${name}-`)), temporary: true };
  await mkdir(path, { recursive: true });
  return { path, temporary: false };
}

/**
 * A port of the loopback interface that nothing listens on just now, another one at each call. The system gives it to no outgoing
 * connection: a server that takes seconds to start finds it free still, and again after it was killed.
 */
export async function freePort(choose = portOutsideEphemeral): Promise<number> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const port = await listenOnce(choose());
    if (port === undefined || handedOut.has(port)) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error('no port is free');
}
const handedOut = new Set<number>();

/** Listens on a port, 0 for one that the system chooses, and closes it; undefined where it is taken. */
async function listenOnce(port: number): Promise<number | undefined> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

const lowestPort = 20_000;

/** Any port below those of outgoing connections; 0 where the system does not tell these, or leaves few below. */
function portOutsideEphemeral(): number {
  firstEphemeral ??= readFirstEphemeral();
  return firstEphemeral < lowestPort + 1_000 ? 0 : randomInt(lowestPort, firstEphemeral);
}
let firstEphemeral: number | undefined;

function readFirstEphemeral(): number {
  const file = '/proc/sys/net/ipv4/ip_local_port_range';
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 0;
}

/**
 * Starts a server and resolves when it is ready.
 * @throws {Error} with the end of its log, when it ends first or is not ready in time; the process is gone then.
 */
export async function startServer(spec: ServerSpec): Promise<ServerHandle> {
  const logFile = join(spec.data.path, `${spec.name}.log`);
  let child: ChildProcess;
  let stopped = false;

  async function start(): Promise<void> {
    const beganAt = existsSync(logFile) ? statSync(logFile).size : 0;
    const log = openSync(logFile, 'a');
    const [command, args] = endsWithParent(spec.command, spec.args);
    // A process group of its own: Ctrl-C reaches us alone, and we stop servers in order.
    child = spawn(command, args, {
      env: { ...process.env, ...spec.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    child.on('error', () => {});
    const output = () => readFileSync(logFile).subarray(beganAt).toString();
    const deadlineMs = Date.now() + (spec.readyWithinMs ?? 180_000);
    while (!(await spec.ready(output))) {
      const late = Date.now() > deadlineMs;
      if (!late && running(child)) {
        await sleep(100);
        continue;
      }
      await end(child, 'SIGKILL');
      const how = late ? 'was not ready in time' : 'ended at once';
      throw new Error(`${spec.name} ${how}:\n${reasonsIn(output())}${lastLines(logFile, 20)}`);
    }
  }

  async function stop(): Promise<void> {
    stopped = true;
    await end(child, 'SIGTERM');
    if (spec.data.temporary) await rm(spec.data.path, { recursive: true, force: true });
  }

  try {
    await spec.prepare?.();
    await start();
  } catch (error) {
    if (spec.data.temporary) await rm(spec.data.path, { recursive: true, force: true });
    throw error;
  }
  return {
    name: spec.name,
    url: spec.url,
    dataFolder: spec.data.path,
    logFile,
    get pid() {
      return child.pid!;
    },
    get stopped() {
      return stopped;
    },
    stop,
    kill: (signal = 'SIGKILL') => end(child, signal),
    pause: () => pause(child),
    resume: () => void child.kill('SIGCONT'),
    async restart() {
      await end(child, 'SIGTERM');
      if (stopped) throw new Error(`${spec.name} was stopped for good`);
      await start();
    },
  };
}

/** The first lines of a log that name a reason: where a server ends in many words, the last lines only tell how it ended. */
function reasonsIn(log: string): string {
  const lines = log.split('\n').filter((line) => /\b(ERROR|FATAL)\b|Exception|\bin use\b/i.test(line));
  return lines
    .slice(0, 5)
    .map((line) => `${line.slice(0, 500)}\n`)
    .join('');
}

/** A signal stops the threads of a process one by one: on a busy machine, some still answer for a while. */
async function pause(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  while (running(child) && !isStopped(child.pid)) await sleep(5);
}

/** Whether every thread is stopped; true where the system does not tell. */
function isStopped(pid: number | undefined): boolean {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return true;
  // The name of a thread, in brackets, may hold anything; its state comes after it.
  const stateOf = (thread: string) =>
    readFileSync(join(threads, thread, 'stat'), 'utf8')
      .split(') ')
      .at(-1)?.[0];
  try {
    return readdirSync(threads).every((thread) => stateOf(thread) === 'T');
  } catch {
    return false; // A thread ended in the meantime.
  }
}

const running = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** Ends a process, paused or not, and waits until it is gone; SIGKILL where it takes longer than 20 s. */
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!running(child)) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  child.kill('SIGCONT');
  const force = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await gone;
  clearTimeout(force);
}

/** On Linux a server dies with the test run that started it, even where that was killed. The process id stays the same. */
function endsWithParent(command: string, args: readonly string[]): [string, string[]] {
  hasSetpriv ??= process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;
  return hasSetpriv ? ['setpriv', ['--pdeathsig', 'TERM', command, ...args]] : [command, [...args]];
}
let hasSetpriv: boolean | undefined;
