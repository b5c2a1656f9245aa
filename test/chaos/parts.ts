import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerHandle, startServer } from '../servers/process.ts';

/** A process of the line, as a supervisor sees it. */
export interface Part {
  readonly name: string;
  readonly logFile: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL after 20 s. */
  end(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
  readonly alive: boolean;
  /** Starts it, as often as it takes within two minutes, and once more. Ends what still runs. */
  bringBack(): Promise<void>;
  stop(): Promise<void>;
  /** How often it had to be started because it had ended by itself. */
  ownEnds: number;
}

/** A part that is one process. */
export interface ProcessPart extends Part {
  readonly pid: number;
}

const maxWaitMs = 120_000;
const betweenStartsMs = 1_000;

/** @param handle - of a started process */
export function asPart(handle: ServerHandle, tell: (line: string) => void): ProcessPart {
  const part: ProcessPart = {
    name: handle.name,
    logFile: handle.logFile,
    kill: () => handle.kill('SIGKILL'),
    end: () => handle.kill('SIGTERM'),
    pause: () => handle.pause(),
    resume: () => handle.resume(),
    get pid() {
      return handle.pid;
    },
    get alive() {
      return alive(handle.pid);
    },
    async bringBack() {
      const untilMs = performance.now() + maxWaitMs;
      for (;;) {
        try {
          return await handle.restart();
        } catch (error) {
          tell(`${handle.name} did not come: ${(error as Error).message.slice(-1_000)}`);
          part.ownEnds += 1;
          if (handle.stopped || performance.now() > untilMs) throw error;
          await sleep(betweenStartsMs);
        }
      }
    },
    stop: () => handle.stop(),
    ownEnds: 0,
  };
  return part;
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export interface StageSpec {
  readonly name: string;
  /** The folder of the Gapline that is started; another one after a newer version was rolled in. */
  readonly root: () => string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logs: string;
  readonly ready: RegExp;
}

/** Starts one of Gapline's own processes. */
export function startStage({ name, root, args, env, logs, ready }: StageSpec): Promise<ServerHandle> {
  return startServer({
    name,
    url: '',
    get command() {
      return join(root(), 'gapline');
    },
    args,
    env,
    data: { path: logs, temporary: false },
    ready: (output) => ready.test(output()),
    // Killed because it is slow, it would have to do all of that again.
    readyWithinMs: 200_000,
  });
}

/** Sums a number that stands in the lines of a pino log. */
export function sumInLog(file: string, take: (line: Record<string, unknown>) => number): number {
  let sum = 0;
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (!text.startsWith('{')) continue;
    try {
      sum += take(JSON.parse(text) as Record<string, unknown>);
    } catch {
      // A line that a kill cut off.
    }
  }
  return sum;
}
