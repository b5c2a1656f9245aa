import { expect, test } from 'vitest';
import { type ChooseInput, chooseWay } from './choose-way.ts';
import { FoldRunner } from './fold-runner.ts';
import { trainingSchema } from './options.ts';
import { labelledRows } from './rows.ts';
import type { FoldJob } from './score-fold.ts';
import { easyDataset } from './testing.ts';
import { fewWays } from './ways.ts';

const ways = fewWays(trainingSchema.parse({ trees: 5 }));

/** A machine whose time passes only while a fold is fitted: what the fit of each way takes is given, for the rows of a fold. */
function machineWhere(fitMs: readonly number[]) {
  let now = 0;
  const runs: { way: number; beganMs: number; mostMs: number; ended: boolean }[] = [];
  const runFold = async ({ options, fit }: FoldJob, mostMs: number) => {
    const way = ways.findIndex((each) => each.options === options);
    const cost = fitMs[way] ?? 0;
    const ended = cost > mostMs;
    runs.push({ way, beganMs: now, mostMs, ended });
    now += Math.min(cost, mostMs);
    expect(fit.count).toBeGreaterThan(0);
    return ended ? undefined : { accuracies: [0.5 + way / 100, 0.5, 0.5], fitMs: cost };
  };
  const choose = (more: Partial<ChooseInput> = {}) =>
    chooseWay({ dataset: easyDataset(150), ways, budgetMs: 60_000, seed: 1, clockMs: () => now, runFold, ...more });
  return { choose, runs, nowMs: () => now };
}

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

test('with time for all, all are tried on three folds, and the last and best is chosen', async () => {
  const machine = machineWhere([10, 20, 30, 40, 50, 60]);
  const { chosen } = await machine.choose();
  expect([machine.runs.length, chosen.way, chosen.folds]).toEqual([18, ways[5], 3]);
});

test('a fit that takes too long is ended, and leaves time for the ways after it', async () => {
  const machine = machineWhere([100, 100, 1e9, 100, 1e9, 100]);
  const { chosen, tried } = await machine.choose();
  expect(machine.runs.filter(({ ended }) => ended).map(({ way }) => way)).toEqual([2, 4]);
  expect(tried.map(({ way }) => way)).toEqual([ways[0], ways[1], ways[3], ways[5]]);
  expect(chosen.way).toBe(ways[5]);
});

test('a way whose final model does not fit into the budget is not chosen, nor tried further', async () => {
  // A fold learns from 100 rows; the final fits from 150 and 150 again, and there are 60 s less the trying.
  const machine = machineWhere([100, 100, 100, 100, 100, 12_000]);
  const { chosen, tried } = await machine.choose({ budgetMs: 60_000, furtherFits: 1 });
  expect([chosen.way, chosen.folds]).toEqual([ways[4], 3]);
  expect(tried.at(-1)).toMatchObject({ way: ways[5], folds: 1 });
  expect(machine.runs.filter(({ way }) => way === 5)).toHaveLength(1);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  'trying and the final model stay within the budget, whatever fits take: %i',
  async (seed) => {
    const costs = ways.map((_, way) => (way === 0 ? 50 : 10 ** (((seed * 7 + way * 5) % 11) / 2)));
    const machine = machineWhere(costs);
    const { chosen } = await machine.choose();
    const finalMs = ((costs[ways.indexOf(chosen.way)] ?? 0) / 100) * 300;
    expect(machine.nowMs() + finalMs).toBeLessThanOrEqual(60_000);
    // None is begun without time, nor allowed to run past what trying has.
    for (const { beganMs, mostMs, way } of machine.runs.slice(1)) {
      expect(mostMs, `way ${way}`).toBeGreaterThan(0);
      expect(beganMs + mostMs).toBeLessThanOrEqual(60_000 * 0.45 + 1e-6);
    }
  },
);

test('the thread of a fold is ended in the middle of a fit, and the next fold has a new one', async () => {
  const rows = labelledRows(easyDataset(3_000), ['blue', 'green', 'red']);
  const [way] = fewWays(trainingSchema.parse({ trees: 10_000 }));
  const [quick] = ways;
  if (!way || !quick) throw new Error('there is no way');
  const job = { fit: rows, test: rows, fields: ['x', 'y;', 'noise'], classes: ['blue', 'green', 'red'], seed: 1 };
  const runner = new FoldRunner();
  try {
    await expect(runner.run({ ...job, options: way.options }, 50)).resolves.toBeUndefined();
    const found = await runner.run({ ...job, options: quick.options }, Number.POSITIVE_INFINITY);
    expect(found?.accuracies).toHaveLength(3);
  } finally {
    await runner.close();
  }
});

test('what fitting refuses is refused with its code', async () => {
  const rows = labelledRows(easyDataset(30), ['blue', 'green', 'red']);
  const [quick] = ways;
  if (!quick) throw new Error('there is no way');
  const runner = new FoldRunner();
  const wrong = { ...rows, values: rows.values.map(() => Number.POSITIVE_INFINITY) };
  const job = { fit: wrong, test: rows, fields: ['x', 'y;', 'noise'], classes: ['blue', 'green', 'red'], seed: 1 };
  try {
    await expect(runner.run({ ...job, options: quick.options }, 60_000)).rejects.toMatchObject({
      code: 'data-invalid',
    });
  } finally {
    await runner.close();
  }
});

test('windows of one device are never on both sides: labels that are random by device score no better than chance', async () => {
  const [devices, perDevice] = [24, 20];
  const count = devices * perDevice;
  const deviceOf = (row: number) => Math.floor(row / perDevice);
  // Each device is known by its value; which label it has is a matter of chance.
  const values = Float64Array.from({ length: count }, (_, row) => deviceOf(row) + (row % perDevice) / 100);
  const labelOf = (row: number) => (((deviceOf(row) * 7) % 24) * 5) % 2;
  const dataset = {
    ...{ file: 'made', fields: ['x'], count, width: 1, values, classes: ['a', 'b'], columns: [], notes: [] },
    labels: Int32Array.from({ length: count }, (_, row) => labelOf(row)),
    devices: {
      names: Array.from({ length: devices }, (_, device) => `d${device}`),
      index: Int32Array.from({ length: count }, (_, row) => deviceOf(row)),
    },
    times: BigInt64Array.from({ length: count }, (_, row) => BigInt(row % perDevice) * 1_000_000_000n),
  };
  const sides: { fit: Set<string>; test: Set<string> }[] = [];
  const runner = new FoldRunner();
  const runFold = (job: FoldJob, mostMs: number) => {
    sides.push({ fit: new Set(job.fit.devices), test: new Set(job.test.devices) });
    return runner.run(job, mostMs);
  };
  const few = ways.slice(0, 2);
  const grouped = await chooseWay({ dataset, ways: few, budgetMs: 600_000, seed: 1, marginNs: 1e9, runFold });
  for (const { fit, test: held } of sides) expect([...held].filter((name) => fit.has(name))).toEqual([]);
  expect(sides).toHaveLength(2);
  const byRow = await chooseWay({ dataset, ways: few, budgetMs: 600_000, seed: 1, runFold });
  await runner.close();
  expect(byRow.chosen.accuracy[0]).toBeGreaterThan(0.95);
  expect(grouped.chosen.accuracy[0]).toBeLessThan(0.75);
});
