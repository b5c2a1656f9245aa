import { expect, test } from 'vitest';
import { fitLimits, sampleDataset, trialLimits } from './budget.ts';
import { easyDataset } from './testing.ts';

const budget = { leftMs: () => 40_000, fit: { rows: 2_000, ms: 1_000 }, labelMs: 0.1 };

test('without a budget nothing is cut', () => {
  for (const limits of [trialLimits(undefined), fitLimits(undefined)])
    expect(limits).toEqual({ rows: Number.POSITIVE_INFINITY, labelled: Number.POSITIVE_INFINITY });
});

test('the parts together fit into the time that is left, by what rows cost', () => {
  const [trial, final] = [trialLimits(budget), fitLimits(budget)];
  const ms = ({ rows, labelled }: { rows: number; labelled: number }) => rows * 0.5 + labelled * 0.1;
  expect(ms(trial) + ms(final)).toBeLessThan(40_000);
  expect(ms(final)).toBeGreaterThan(10_000);
});

test('a second fit tells what is a fixed cost: the rows that are added cost less', () => {
  const proportional = fitLimits(budget, { rows: 8_000, ms: 4_000 });
  const fixed = fitLimits(budget, { rows: 8_000, ms: 1_600 });
  const alike = fitLimits(budget, { rows: 2_000, ms: 900 });
  expect(proportional.rows).toBe(fitLimits(budget).rows);
  expect(fixed.rows).toBeGreaterThan(proportional.rows * 2);
  expect(alike).toMatchObject({ rows: fitLimits(budget).rows });
});

test('a fit is ended when it has used its part of the time', () => {
  let leftMs = 10_000;
  const { isTimeUp } = fitLimits({ ...budget, leftMs: () => leftMs });
  expect(isTimeUp?.()).toBe(false);
  leftMs = 3_000;
  expect(isTimeUp?.()).toBe(true);
  // Where no time is left, a model is made all the same, of few rows.
  const late = fitLimits({ ...budget, leftMs: () => leftMs - 5_000 });
  expect(late.rows).toBe(200);
});

test('a sample keeps every class', () => {
  const all = easyDataset(3_000);
  const labels = all.labels.map((label, row) => (row === 7 ? 2 : Math.min(label, 1)));
  const some = sampleDataset({ ...all, labels }, 300);
  expect(new Set(some.labels)).toEqual(new Set([0, 1, 2]));
  expect(some.count).toBeLessThan(303);
});
