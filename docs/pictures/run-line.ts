import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Runs the line of an example on data of its own while `use` works with its live page, whose address it is given. */
export async function runLine(example: string, use: (url: string) => Promise<void>): Promise<void> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'gapline-pictures-'));
  const config = join(root, 'examples', example, 'stream.yaml');
  const ports = ['--page-port', '0', '--collector-port', '0'];
  const line = spawn(join(root, 'gapline'), ['up', '--config', config, '--data', dataFolder, ...ports], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await use(await addressOf(line));
  } finally {
    line.kill('SIGTERM');
    if (line.exitCode === null && line.signalCode === null) await once(line, 'exit');
    rmSync(dataFolder, { recursive: true });
  }
}

/** The live page's address, as the line prints it once it runs. */
function addressOf({ stdout }: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let printed = '';
    // Continues reading: a line whose output nobody takes could not print its summary at the end.
    stdout?.on('data', (chunk) => {
      printed += chunk;
      const address = /live page:\s+(http\S+)\n/.exec(printed)?.[1];
      if (address) found(address);
    });
    stdout?.on('end', () => failed(new Error('the line ended before it ran')));
  });
}
