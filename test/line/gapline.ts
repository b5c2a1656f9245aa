import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

export const root = resolve(import.meta.dirname, '../..');
export const spambase = join(root, 'examples/spambase/stream.yaml');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `gapline` process, as a person would start it. */
export interface Process {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /**
   * Resolves with the first match on standard output: with its first group, if the pattern has one. Rejects when the process ends
   * without a match.
   */
  printed(pattern: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts the command line; it is ended with the test at the latest. */
export function gapline(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Process {
  const child = spawn(join(root, 'gapline'), args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
  });
  const ended = once(child, 'close').then(([code = null]: (number | null)[]) => ({ code, ...out }));
  return {
    pid: child.pid!,
    ended,
    printed: (pattern) => printed(child, out, pattern),
    kill: (signal) => void child.kill(signal),
  };
}

function printed(child: ChildProcess, out: { stdout: string; stderr: string }, pattern: RegExp): Promise<string> {
  const { promise, resolve: found, reject } = Promise.withResolvers<string>();
  const look = () => {
    const match = out.stdout.match(pattern);
    if (match) found(match[1] ?? match[0]);
  };
  child.stdout?.on('data', look);
  child.on('close', () => reject(new Error(`ended without printing ${pattern}: ${out.stderr.slice(-2_000)}`)));
  look();
  return promise;
}

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-line-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The last line of standard output, as JSON. */
export function lastJson<T>({ stdout }: Ended): T {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}

/** Waits for a condition, for at most a minute. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within a minute');
    await new Promise((done) => setTimeout(done, 50));
  }
}
