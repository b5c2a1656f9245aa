import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { writeLines } from './print.ts';

test('waiting for a slow reader leaves no listeners behind', async () => {
  const out = new PassThrough({ highWaterMark: 1 });
  const listeners = () => ['drain', 'close', 'error'].map((event) => out.listenerCount(event));
  const before = listeners();
  for (let line = 0; line < 20; line += 1) {
    const written = writeLines([`line ${line}`], out);
    out.read();
    expect(await written).toBe(true);
  }
  expect(listeners()).toEqual(before);
  const written = writeLines(['nobody reads this'], out);
  out.destroy();
  expect(await written).toBe(false);
});

test('every command writes by one function, which keeps names from the terminal', () => {
  // A progress bar draws over itself, what parses options is told how to write, and a question goes to the terminal that it is given.
  const others = new Set(['print.ts', 'progress.ts', 'once.ts', 'commands/choose-label.ts']);
  const files = globSync('**/*.ts', { cwd: import.meta.dirname, exclude: ['**/*.test.ts'] });
  const writing = files.filter((file) =>
    /std(out|err)\.write\(/.test(readFileSync(join(import.meta.dirname, file), 'utf8')),
  );
  expect(writing.filter((file) => !others.has(file))).toEqual([]);
});
