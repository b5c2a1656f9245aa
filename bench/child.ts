import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What the first match of a pattern in a child's output holds in its first group. The output is read on, so that the child never waits. */
export async function printed({ stdout }: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  if (!stdout) throw new Error('the output of the child is not read');
  for await (const chunk of stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk;
    const found = pattern.exec(text)?.[1];
    if (found === undefined) continue;
    stdout.resume();
    return found;
  }
  throw new Error(`the child ended without printing ${pattern}`);
}

/** Ends a child by SIGTERM, and by SIGKILL where it takes longer than 15 s. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(timer);
}
