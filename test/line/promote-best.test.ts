import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gapline, temporaryFolder } from './gapline.ts';

/** Three values that tell two classes apart, the second one a copy of the first with noise, so that a gap can be filled well. */
function pumps(): string {
  const lines = ['speed,flow,heat,label'];
  for (let row = 0; row < 240; row++) {
    const speed = (row * 37) % 100;
    const flow = speed * 2 + ((row * 11) % 7);
    const heat = (row * 53) % 40;
    lines.push(`${speed},${flow},${heat},${speed + heat / 4 > 55 ? 'worn' : 'sound'}`);
  }
  return `${lines.join('\n')}\n`;
}

function stream(): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'pumps.csv'), pumps());
  const config = join(folder, 'stream.yaml');
  writeFileSync(
    config,
    'stream: pumps\ndata: { train: pumps.csv, truth: label }\ntraining: { imputer: mean, trees: 10 }\n',
  );
  return config;
}

/** Name, accuracy by gap rate and the options of each row that was printed. */
function rowsOf(stdout: string) {
  const pattern = /^(\S.*?) {2,}((?:[01]\.\d{4} +){4})[\d.]+ +[\d.]+ +(--set .*|)$/gm;
  return [...stdout.matchAll(pattern)].map(([, name = '', cells = '', sets = '']) => ({
    name,
    mean:
      cells
        .trim()
        .split(/ +/)
        .map(Number)
        .reduce((sum, cell) => sum + cell, 0) / 4,
    sets: sets.trim().split(' ').filter(Boolean),
  }));
}

const optionsOf = async (version: number, config: string) => {
  const shown = await gapline(['models', 'show', String(version), '--config', config]).ended;
  return (JSON.parse(shown.stdout) as { lineage: { options: unknown } }).lineage.options;
};

test('train --promote-best trains in the best way of the comparison and lets that version serve', {
  timeout: 120_000,
}, async () => {
  const config = stream();
  const champion = () => readFileSync(join(config, '../models/pumps/champion'), 'utf8').trim();
  const train = (...more: string[]) => gapline(['train', '--config', config, ...more]).ended;
  expect((await train()).code).toBe(0);

  const { code, stdout } = await train('--promote-best');
  expect(code).toBe(0);
  const rows = rowsOf(stdout);
  expect(rows.length).toBeGreaterThan(10);
  const best = rows.find(({ name }) => stdout.includes(`\nbest, on average: ${name}\n`));
  expect(best).toBeDefined();
  // The cells are rounded to four digits.
  expect(best?.mean).toBeGreaterThanOrEqual(Math.max(...rows.map(({ mean }) => mean)) - 0.0001);
  expect(best?.mean).toBeGreaterThan(rows.find(({ name }) => name === 'mean')?.mean ?? Number.NaN);
  expect(stdout).toMatch(/pumps version 2 in .*\n(?:.*\n)*version 2 serves\n$/);
  expect(champion()).toBe('2');

  // The options that stand in its row make the same model.
  const again = await train(...(best?.sets ?? []));
  expect(again.stdout).toContain('version 2 still serves');
  expect(await optionsOf(3, config)).toEqual(await optionsOf(2, config));
  expect(await optionsOf(2, config)).not.toEqual(await optionsOf(1, config));
});

test('train --compare makes no version', { timeout: 120_000 }, async () => {
  const config = stream();
  const { code, stdout } = await gapline(['train', '--config', config, '--compare']).ended;
  expect(code).toBe(0);
  expect(rowsOf(stdout).length).toBeGreaterThan(10);
  const listed = await gapline(['models', 'list', '--config', config]).ended;
  expect(listed.stdout).toBe('');
});
