import { expect, test } from 'vitest';
import type { StepSpec } from '../registry.ts';
import { ms, runAll, type Sample } from '../testing/run.ts';

const gap = Number.NaN;
const second: StepSpec = { use: 'window', length: '1s', rate: 5 };

const samplesAt = (values: readonly (readonly [atMs: number, x: number, y: number])[]): Sample[] =>
  [...values, [1_000, 0, 0] as const].map(([at, ...xy]) => ({ device: 'a', ns: ms(at), values: xy }));

function rowOf(step: StepSpec, samples: readonly Sample[]): readonly number[] | undefined {
  return runAll([second, step], ['x', 'y'], samples).rows[0]?.values;
}

test('a row is the samples of its window, channel after channel, each in its place', () => {
  const samples = samplesAt([
    [0, 1, 10],
    [205, 2, gap],
    [600, 4, 40],
    [800, 5, 50],
  ]);
  expect(rowOf({ use: 'series' }, samples)).toEqual([1, 2, gap, 4, 5, 10, gap, gap, 40, 50]);
  expect(rowOf({ use: 'series', channels: ['y'] }, samples)).toEqual([10, gap, gap, 40, 50]);
  const { channels } = runAll([second, { use: 'series', channels: ['y'] }], ['x', 'y'], samples);
  expect(channels).toEqual(['y.0', 'y.1', 'y.2', 'y.3', 'y.4']);
});

test.each<[StepSpec[], string]>([
  [[{ use: 'series' }], 'put a window step before it'],
  [[{ use: 'window', length: '1s' }, { use: 'series' }], 'rate: it is missing'],
  [[second, { use: 'series', channels: ['x', 'x'] }], 'channels: "x" is named twice'],
  [[second, { use: 'statistics' }, { use: 'series' }], 'stands alone behind the window'],
  [[second, { use: 'series' }, { use: 'statistics' }], 'stands alone behind the window'],
  [[{ use: 'window', length: '1h', rate: 1_000 }, { use: 'series' }], 'a series has 2 to 100000 in all'],
])('%j is refused', (specs, message) => {
  expect(() => runAll(specs, ['x', 'y'], [])).toThrow(message);
});
