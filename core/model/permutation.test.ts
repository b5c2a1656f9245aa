import { expect, test } from 'vitest';
import { permutationImportance } from './permutation.ts';

test('columns of a group are shuffled together: what holds within a row still holds', async () => {
  const count = 50;
  const values = Float64Array.from({ length: count * 3 }, (_, at) => (at % 3 === 2 ? 0 : Math.floor(at / 3)));
  const before = values.slice();
  const input = {
    ...{ values, count, width: 3 },
    accuracyOf: (given: Float64Array) =>
      Array.from({ length: count }, (_, row) => Number(given[row * 3] === given[row * 3 + 1])).filter(Boolean).length /
      count,
  };
  const together = await permutationImportance({ ...input, groups: [[0, 1], [2]] });
  expect([...together.lost]).toEqual([0, 0]);
  const alone = await permutationImportance(input);
  expect(alone.lost[0]).toBeGreaterThan(0.8);
  expect(alone.lost[1]).toBeGreaterThan(0.8);
  expect(alone.lost[2]).toBe(0);
  expect(values).toEqual(before);
});
