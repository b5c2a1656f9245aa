import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitCsv, stratifiedSplit } from './split.ts';

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

it('a split CSV keeps its lines as they were written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-split-'));
  try {
    const file = join(folder, 'whole.csv');
    const lines = Array.from({ length: 10 }, (_, row) => `${row}.50, ${row % 2 ? '"od,d"' : 'even'}`);
    await writeFile(file, `\uFEFFa,"the label"\r\n${lines.join('\r\n')}`);
    const { train, test } = await splitCsv({ file, truth: 'the label', fraction: 0.8, seed: 3 });
    const [trainHeader, ...trainLines] = train.trimEnd().split('\n');
    const [testHeader, ...testLines] = test.trimEnd().split('\n');
    expect(trainHeader).toBe('a,"the label"');
    expect(testHeader).toBe('a,"the label"');
    expect(trainLines).toHaveLength(8);
    expect([...trainLines, ...testLines].sort()).toEqual(lines);
    expect(testLines.filter((line) => line.includes('even'))).toHaveLength(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});
