import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gapline, lastJson, temporaryFolder } from './gapline.ts';

const rate = 100;
const seconds = 6;
const devices = 10;

interface Change {
  /** The header's name of the time. */
  readonly time?: string;
  /** When sample `n` was taken, in milliseconds. */
  readonly ms?: (n: number) => number;
  readonly label?: (device: number, n: number) => string;
}

/** A CSV of ten machines that swing at 10 Hz or at 25 Hz, each with a temperature once a second. */
function csv({ time = 'when', ms = (n) => n * (1_000 / rate), label }: Change = {}): string {
  const lines = [`press,${time},x,temp,state`];
  for (let n = 0; n < rate * seconds; n++)
    for (let device = 0; device < devices; device++) {
      const hertz = device % 2 === 0 ? 10 : 25;
      const x = Math.sin((2 * Math.PI * hertz * n) / rate + device) + Math.sin(n * 12.9898 + device * 78.233) / 5;
      const temp = n % rate === 0 ? (20 + device / 10).toFixed(1) : '';
      const stamp = time === 'when' ? new Date(1_760_000_000_000 + ms(n)).toISOString() : '';
      lines.push(
        `press ${device},${stamp},${x.toFixed(4)},${temp},${label?.(device, n) ?? (device % 2 ? 'fast' : 'slow')}`,
      );
    }
  return `${lines.join('\n')}\n`;
}

async function make(text: string, ...more: string[]) {
  const folder = temporaryFolder();
  const file = join(folder, 'samples.csv');
  writeFileSync(file, text);
  const args = ['new', 'swing', '--data', file, '--folder', join(folder, 'swing'), '--window', '1s', ...more];
  return { folder, run: await gapline(args, { cwd: folder }).ended };
}

test('a table of samples becomes a line that labels windows', { timeout: 180_000 }, async () => {
  const { folder, run } = await make(csv());
  expect(run.code, run.stderr).toBe(0);
  for (const words of [
    'label column: state (guessed',
    'device column: press (found: the times of each of its names are regular',
    /time +when/,
    'rate: 100 samples a second, by the times of 10 devices\n',
    'windows of 1s, each a row: statistics, statistics, spectrum\n',
    'split by device, for windows of one device are alike: 8 to learn from, 2 to test\n',
    '50 windows of ',
    'tried by a held-out third',
    /model: accuracy 1\.000, .* on the 10 windows of test\.csv/,
  ])
    expect(run.stdout).toMatch(words);
  const names = (part: string) => new Set(readFileSync(join(folder, 'swing/data', part), 'utf8').match(/^press \d/gm));
  expect([...names('train.csv')].filter((name) => names('test.csv').has(name))).toEqual([]);

  const line = await gapline(
    [
      ...['up', '--config', 'swing/stream.yaml', '--data', join(folder, 'data'), '--labels', '8', '--summary', 'json'],
      ...['--collector-port', '0', '--page-port', '0', '--log-level', 'error', '--set', 'generator.gaps.rate=0'],
    ],
    { cwd: folder },
  ).ended;
  expect(line.code, line.stderr).toBe(0);
  const { deadLetters, accuracy } = lastJson<{ deadLetters: number; accuracy: number }>(line);
  expect([deadLetters, accuracy > 0.7]).toEqual([0, true]);
});

test.each<[string, Change, string[], RegExp]>([
  ['without a time', { time: 'note' }, [], /no column of times was found; name it with --time COLUMN/],
  ['with times that are not regular', { ms: (n) => n * 10 + ((n * 37) % 61) }, ['--device', 'press'], /not regular: /],
  [
    'whose labels change within windows',
    { label: (_, n) => (Math.floor(n / 30) % 2 ? 'on' : 'off') },
    [],
    /the label changes within \d+ of \d+ windows of 1s, so they have none; take a shorter --window/,
  ],
])(
  'a table %s is refused with what to do, and nothing is left',
  { timeout: 60_000 },
  async (_name, change, more, says) => {
    const { run } = await make(csv(change), ...more);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(says)]);
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
  },
);
