import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Training takes a few seconds; the machine may be busy. */
const maxMs = 120_000;

/** Runs a `gapline` command to its end and gives what it wrote to standard output. Rejects after two minutes. */
export async function gapline(root: string, args: readonly string[]): Promise<string> {
  const options = { maxBuffer: 16 << 20, timeout: maxMs, killSignal: 'SIGKILL' } as const;
  const { stdout } = await promisify(execFile)(join(root, 'gapline'), [...args], options);
  return stdout;
}
