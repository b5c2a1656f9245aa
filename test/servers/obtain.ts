import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** Takes one line of progress. */
export type Report = (line: string) => void;

/** One way to get a server. It fills the empty `folder`; its output goes to `logFile`. */
export interface Way {
  readonly title: string;
  make(folder: string, logFile: string): Promise<void>;
}

/** A server that can be got. */
export interface Supply {
  readonly title: string;
  /** The folder's name in the cache: it names the version, so a new version is got anew. */
  readonly folder: string;
  /** Tried in this order until one works. */
  readonly ways: readonly Way[];
}

/** Where servers are kept between runs: `GAPLINE_CACHE`, else `~/.cache/gapline`. */
export const cacheFolder = (): string => process.env.GAPLINE_CACHE || join(homedir(), '.cache', 'gapline');

/** The folder of a server that is already in the cache. */
export function obtained(supply: Supply): string | undefined {
  const folder = join(cacheFolder(), supply.folder);
  return existsSync(folder) ? folder : undefined;
}

/**
 * The folder of a server, got first where the cache has none. Two runs at once may both get it; one result is kept.
 * @throws {Error} with what each way said, when none of them worked.
 */
export async function obtain(supply: Supply, report: Report): Promise<string> {
  const present = obtained(supply);
  if (present) return present;
  const target = join(cacheFolder(), supply.folder);
  await mkdir(cacheFolder(), { recursive: true });
  const failures: string[] = [];
  for (const way of supply.ways) {
    const beganMs = Date.now();
    report(`${supply.title}: getting it, ${way.title}…`);
    const scratch = await mkdtemp(`${target}.part-`);
    const logFile = `${scratch}.log`;
    try {
      await way.make(scratch, logFile);
      await rename(scratch, target).catch((error) => {
        if (!existsSync(target)) throw error;
      });
      await rm(logFile, { force: true });
      report(`${supply.title}: there after ${Math.round((Date.now() - beganMs) / 1000)} s`);
      return target;
    } catch (error) {
      failures.push(`${way.title}: ${error instanceof Error ? error.message : error}`);
      report(`${supply.title}: did not work (${firstLine(failures.at(-1)!)})`);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  throw new Error(`${supply.title} cannot be got.\n${failures.join('\n')}`);
}

const firstLine = (message: string): string => message.split('\n', 1)[0]!;

/** Unpacks a gzipped tar from the web, without its outermost folder; it must hold the file `program` then. */
export function download(url: string, program: string): Way {
  return {
    title: 'the official download',
    async make(folder) {
      const response = await fetch(url, { signal: AbortSignal.timeout(600_000) }).catch((error: Error) => {
        throw new Error(`${new URL(url).host} cannot be reached`, { cause: error });
      });
      if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
      const tar = spawn('tar', ['-xz', '--strip-components=1', '-C', folder], { stdio: ['pipe', 'ignore', 'pipe'] });
      const [, said, [code]] = await Promise.all([
        pipeline(Readable.fromWeb(response.body), tar.stdin),
        text(tar.stderr),
        once(tar, 'close'),
      ]);
      if (code !== 0) throw new Error(`unpacking ${url} failed: ${said}`);
      if (!existsSync(join(folder, program))) throw new Error(`${url} holds no ${program}`);
    },
  };
}

export interface RunOptions {
  readonly logFile: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a build step in the background of the machine's other work.
 * @throws {Error} with the last lines that it wrote.
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<void> {
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = createWriteStream(options.logFile, { flags: 'a' });
  log.write(`$ ${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) setPriority(child.pid, 10);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ending = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error(`needs \`${command}\` on the PATH; test/servers/packages.sh`) : error),
    );
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  log.end();
  await once(log, 'close');
  if (ending !== 0) throw new Error(`${command} ended with ${ending}\n${lastLines(options.logFile, 15)}`);
}

/** The end of a log, for an error message. */
export function lastLines(file: string, count: number): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}
