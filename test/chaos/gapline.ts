import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Runs a `gapline` command to its end and gives what it wrote to standard output. */
export async function gapline(root: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(root, 'gapline'), [...args], { maxBuffer: 16 << 20 });
  return stdout;
}
