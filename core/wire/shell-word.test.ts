import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { printable } from './printable.ts';
import { shellWord } from './shell-word.ts';

const words = [
  'plain',
  'my data/stream.yaml',
  "it's",
  '$(id)',
  '`id`',
  'a"b',
  'a;b&c|d',
  '*',
  '~',
  '',
  '-x',
  '\\',
  '温度',
];

describe('a shell takes a suggested word as it is', () => {
  test.each(words)('%j', (word) => {
    const command = `printf %s ${shellWord(word)}`;
    expect(execFileSync('sh', ['-c', command], { encoding: 'utf8' })).toBe(word);
  });

  const bash = spawnSync('bash', ['-c', 'true']).status === 0;
  test.runIf(bash).each(["a\u001b[31m'b\\", 'two\nlines', 'a\u202eb'])(
    'in bash, where it cannot be shown: %j',
    (word) => {
      const shown = shellWord(word);
      expect(printable(shown)).toBe(shown);
      const env = { ...process.env, LC_ALL: 'C.UTF-8' };
      expect(execFileSync('bash', ['-c', `printf %s ${shown}`], { encoding: 'utf8', env })).toBe(word);
    },
  );
});
