import { expect, test } from 'vitest';
import { chooseWay } from './choose-way.ts';
import { trainingSchema } from './options.ts';
import { easyDataset } from './testing.ts';
import { fewWays } from './ways.ts';

const ways = fewWays(trainingSchema.parse({ trees: 5 }));

test('every way is scored on the same folds, with the gaps of the data and with more, and the best is chosen', async () => {
  const { chosen, tried, rows } = await chooseWay({ dataset: easyDataset(150), ways, budgetMs: 600_000, seed: 1 });
  expect(rows).toBe(150);
  expect(tried.map(({ way }) => way.name)).toEqual(ways.map(({ name }) => name));
  expect(tried.every(({ folds, accuracy }) => folds === 3 && accuracy.length === 3)).toBe(true);
  expect(chosen.score).toBe(Math.max(...tried.map(({ score }) => score)));
  for (const { accuracy } of tried) expect(accuracy[0]).toBeGreaterThan(0.8);
});

test('without time the plain way is chosen', async () => {
  const { chosen, tried } = await chooseWay({ dataset: easyDataset(150), ways, budgetMs: 0, seed: 1 });
  expect([chosen.way.name, tried.length, chosen.folds]).toEqual(['plain', 1, 1]);
});
