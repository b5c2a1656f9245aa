import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readTable } from './read.ts';
import { splitTable, stratifiedSplit } from './split.ts';
import { surveyTable } from './survey.ts';

it('each row is in exactly one part, and each label keeps its share', () => {
  const labels = fc
    .array(fc.integer({ min: -1, max: 4 }), { minLength: 1, maxLength: 200 })
    .map((all) => Int32Array.from(all));
  fc.assert(
    fc.property(labels, fc.double({ min: 0.1, max: 0.9, noNaN: true }), fc.nat(), (labels, fraction, seed) => {
      const { train, test } = stratifiedSplit({ labels, fraction, seed });
      expect([...train, ...test].sort((a, b) => a - b)).toEqual([...labels.keys()]);
      for (const label of new Set(labels)) {
        const all = labels.filter((each) => each === label).length;
        const taken = train.filter((row) => labels[row] === label).length;
        expect(Math.abs(taken - all * fraction)).toBeLessThanOrEqual(1);
        if (all > 1) expect(taken).toBeGreaterThan(0);
        if (all > 1) expect(taken).toBeLessThan(all);
      }
      expect(stratifiedSplit({ labels, fraction, seed })).toEqual({ train, test });
    }),
  );
});

it('another seed gives another split', () => {
  const labels = Int32Array.from({ length: 100 }, (_, row) => row % 2);
  const [one, two] = [1, 2].map((seed) => stratifiedSplit({ labels, fraction: 0.8, seed }));
  expect(one).not.toEqual(two);
});

it('a split table keeps its cells as they were written, and takes away what only its layout explains', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-split-'));
  try {
    const file = join(folder, 'whole.csv');
    const lines = Array.from({ length: 10 }, (_, row) => `${row},50;${row}.50; ${row % 2 ? '"od,d"' : 'even'}`);
    await writeFile(file, `\uFEFFa;"#";"the label"\r\n${lines.join('\r\n')}`);
    const reading = await readTable({ truth: 'the label', drop: ['#'] }, await surveyTable([file]));
    const [train, test] = [join(folder, 'train.csv'), join(folder, 'test.csv')];
    await splitTable(reading, { fraction: 0.8, seed: 3, train, test });
    const linesOf = async (part: string) => (await readFile(part, 'utf8')).trimEnd().split('\n');
    const [trainLines, testLines] = [await linesOf(train), await linesOf(test)];
    expect(trainLines.shift()).toBe('a,"#",the label');
    expect(testLines.shift()).toBe('a,"#",the label');
    expect(trainLines).toHaveLength(8);
    const written = Array.from({ length: 10 }, (_, row) => `${row}.5,${row}.50,${row % 2 ? '"od,d"' : 'even'}`);
    expect([...trainLines, ...testLines].sort()).toEqual(written);
    expect(testLines.filter((line) => line.includes('even'))).toHaveLength(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});
