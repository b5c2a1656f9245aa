import { expect, test } from 'vitest';
import { type Dataset, encodeNames, encodeTruths } from '../core/dataset/dataset.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { compare } from './compare.ts';
import { trainingSchema } from './options.ts';
import { preparationOf, prepareDataset } from './prepare.ts';
import { waysBySteps } from './series-ways.ts';
import { setLine } from './ways.ts';

const config = trainingSchema.parse({});
const cut: StepSpec = { use: 'window', length: '1s', rate: 20 };
const gate: StepSpec = { use: 'gate', during: 'shift', lateness: '10s' };

test('without a window there are only ways to make a model of the rows as they are', () => {
  expect(waysBySteps(config, [{ use: 'smooth', time: '1s' }])).toHaveLength(1);
});

test('features of a window are compared with its samples, under the same facts', () => {
  const configured: StepSpec[] = [{ use: 'resample', rate: 20, maxGap: '1s' }, cut, { use: 'statistics' }, gate];
  const [features, samples] = waysBySteps(config, configured);
  expect(features?.steps).toBe(configured);
  expect(features?.ways.map(({ name }) => name)).toContain('boosted trees take gaps, copies');
  expect(samples?.steps.map(({ use }) => use)).toEqual(['resample', 'window', 'series', 'gate']);
  expect(samples?.ways.map(setLine)).toEqual(['--set training.estimator=rocket', '--set training.estimator=shapelets']);
});

test('samples of a window are compared with its features, and what is configured is tried once', () => {
  const forSeries = trainingSchema.parse({ estimator: 'rocket' });
  const [samples, features] = waysBySteps(forSeries, [cut, { use: 'series' }]);
  expect(samples?.ways.map(({ name }) => name)).toEqual(['as configured', 'samples, shapelets']);
  const filled = trainingSchema.parse({ estimator: 'rocket', imputer: 'median' });
  expect(waysBySteps(filled, [cut, { use: 'series' }])[0]?.ways.map(setLine)).toEqual([
    '',
    '--set training.imputer=mean',
    '--set training.imputer=mean --set training.estimator=shapelets',
  ]);
  expect(features?.steps.map(({ use }) => use)).toEqual(['window', 'statistics', 'spectrum']);
  expect(features?.ways[1] && setLine(features.ways[1])).toContain('--set training.estimator=trees');
});

/** Two devices of each kind, whose samples rise or fall. */
function ramps(seconds: number): Dataset {
  const rows = Array.from({ length: 4 * seconds * 20 }, (_, index) => {
    const device = Math.floor(index / (seconds * 20));
    const at = index % (seconds * 20);
    return { device, at, value: ((at % 20) - 9.5) * (device % 2 === 0 ? 1 : -1) };
  });
  return {
    file: 'ramps.csv',
    fields: ['x'],
    count: rows.length,
    width: 1,
    values: Float64Array.from(rows, ({ value }) => value),
    ...encodeTruths(rows.map(({ device }) => (device % 2 === 0 ? 'up' : 'down'))),
    devices: encodeNames(rows.map(({ device }) => `device ${device}`)),
    times: BigInt64Array.from(rows, ({ at }) => BigInt(at) * 50_000_000n),
    columns: [],
    notes: [],
  };
}

test('samples are masked before the steps, and the same windows are scored', async () => {
  const samples = { dataset: ramps(12) };
  const preparation = preparationOf([cut, { use: 'series' }], ['x']);
  const dataset = prepareDataset(samples.dataset, preparation);
  const [group] = waysBySteps(trainingSchema.parse({ estimator: 'rocket', features: 200 }), preparation.steps);
  const [configured] = group?.ways ?? [];
  if (!configured) throw new Error('no way');
  const input = { dataset, preparation, samples, candidates: [configured], rates: [0, 0.3], seed: 1 };
  const [result] = await compare(input);
  expect(result?.byRate.map(({ accuracy }) => accuracy)).toEqual([1, expect.any(Number)]);
  expect(result?.byRate[1]?.accuracy).toBeGreaterThan(0.8);
});
