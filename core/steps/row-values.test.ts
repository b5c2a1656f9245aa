import { expect, test } from 'vitest';
import { z } from 'zod';
import type { StepDefinition } from './definition.ts';
import { defineStep } from './definition.ts';
import type { StepRows } from './port.ts';
import { byColumn, valuesAt, valuesOf } from './row-values.ts';
import { openStateless } from './stateless.ts';
import { ms, runAll } from './testing/run.ts';

const rowsOf = (count: number, given: Pick<StepRows, 'columns' | 'values'>): StepRows => ({
  ...{ count, names: [], devices: new Int32Array(count), seconds: new Float64Array(count) },
  ...{ nanoseconds: new Int32Array(count), truths: new Int32Array(count), inputs: new Int32Array(count) },
  ...{ segments: new Uint8Array(count), unsent: new Int32Array(count) },
  ...given,
});
const columns = [Float64Array.of(1, 2, 3), Float64Array.of(10, 20, 30)];
const values = Float64Array.of(1, 10, 2, 20, 3, 30);

test.each([
  ['by column', rowsOf(3, { columns })],
  ['row after row', rowsOf(3, { columns: [], values })],
])('values of rows that stand %s', (_, rows) => {
  expect(valuesOf(rows, [0, 1, 2])).toEqual({ width: 2, values });
  expect(valuesOf(rows, [2, 0])).toEqual({ width: 2, values: Float64Array.of(3, 30, 1, 10) });
  expect(valuesOf(rows, [2, 1, 0]).values).toEqual(Float64Array.of(3, 30, 2, 20, 1, 10));
  expect(valuesAt(rows, 1)).toEqual(Float64Array.of(2, 20));
  expect(byColumn(rows, 2).columns).toEqual(columns);
});

test('no rows have their columns nevertheless', () => {
  const empty = byColumn(rowsOf(0, { columns: [], values: new Float64Array(0) }), 2);
  expect(empty.columns).toEqual([new Float64Array(0), new Float64Array(0)]);
});

test('a step of your own behind series gets columns, whether there is a window or not', () => {
  const seen: number[] = [];
  const double = defineStep({
    use: 'double',
    summary: 'doubles',
    params: z.strictObject({}),
    build: (_, shape) => ({
      shape,
      open: () =>
        openStateless(({ columns: given }) => {
          seen.push(given.length);
          return { columns: given.map((column) => column.map((value) => 2 * value)) };
        }),
    }),
  });
  const specs = [{ use: 'window', length: '1s', rate: 2 }, { use: 'series' }, { use: 'double' }] as never;
  const own = new Map([['double', double as unknown as StepDefinition]]);
  const sample = (at: number, value: number) => ({ device: 'a', ns: ms(at), values: [value] });
  expect(runAll(specs, ['x'], [sample(0, 1), sample(500, 2)], own).rows).toEqual([]);
  const { rows } = runAll(specs, ['x'], [sample(0, 1), sample(500, 2), sample(1_000, 3)], own);
  expect(rows.map(({ values: each }) => each)).toEqual([[2, 4]]);
  expect(seen).toEqual([2, 2]);
});
