import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('every command writes by one function, which keeps names from the terminal', () => {
  // A progress bar draws over itself, what parses options is told how to write, and a question goes to the terminal that it is given.
  const others = new Set(['print.ts', 'progress.ts', 'once.ts', 'commands/choose-label.ts']);
  const files = globSync('**/*.ts', { cwd: import.meta.dirname, exclude: ['**/*.test.ts'] });
  const writing = files.filter((file) =>
    /std(out|err)\.write\(/.test(readFileSync(join(import.meta.dirname, file), 'utf8')),
  );
  expect(writing.filter((file) => !others.has(file))).toEqual([]);
});
