import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldsOf } from './folds.ts';

test('whole groups are dealt out, each label to every fold, and folds differ by one group at the most', () => {
  const cases = fc.record({
    folds: fc.integer({ min: 2, max: 6 }),
    more: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 }),
    rows: fc.integer({ min: 1, max: 4 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(cases, ({ folds, more, rows, seed }) => {
      const labelOfGroup = more.flatMap((extra, label) => new Array<number>(folds + extra).fill(label));
      const groups = Int32Array.from({ length: labelOfGroup.length * rows }, (_, row) => row % labelOfGroup.length);
      const labels = groups.map((group) => labelOfGroup[group] ?? -1);
      const dealt = foldsOf({ labels, groups }, { folds, seed });
      if (!dealt) throw new Error('there are groups enough');
      expect(foldsOf({ labels, groups }, { folds, seed })).toEqual(dealt);
      const foldOfGroup = new Map<number, number>();
      for (const [row, fold] of dealt.entries()) {
        const group = groups[row] ?? -1;
        expect(foldOfGroup.get(group) ?? fold).toBe(fold);
        foldOfGroup.set(group, fold);
      }
      const sizes = Array.from(
        { length: folds },
        (_, fold) => [...foldOfGroup.values()].filter((f) => f === fold).length,
      );
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const label of labelOfGroup.keys())
        expect(new Set(dealt.filter((_, row) => labels[row] === labelOfGroup[label])).size).toBe(folds);
    }),
    { numRuns: 50 },
  );
});

test('with fewer groups of a label than folds there is no deal', () => {
  const labels = Int32Array.of(0, 0, 0, 1, 1);
  expect(foldsOf({ labels, groups: Int32Array.of(0, 1, 2, 3, 3) }, { folds: 2, seed: 1 })).toBeUndefined();
  expect(foldsOf({ labels, groups: Int32Array.of(0, 1, 2, 3, 4) }, { folds: 2, seed: 1 })).toBeDefined();
});
