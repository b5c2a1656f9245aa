import { expect, test } from 'vitest';
import type { Rows } from '../../core/model/rows.ts';
import { runAll } from '../../core/steps/testing/run.ts';
import { doubleModel } from '../testing/doubles.ts';
import { untilTaken } from '../testing/line.ts';
import { linesOfEachTest } from '../testing/lines.ts';

const lines = linesOfEachTest();

test.each([
  ['in the order of the stream', ['a', 'b']],
  ['in another order', ['b', 'a']],
  ['a part of it', ['b']],
])('rows that a filter runs along are those that it gives of their columns: %s', async (_, fields) => {
  const line = await lines.open();
  const specs = [
    { use: 'smooth', along: 'row', time: '1s', rate: 1 },
    { use: 'filter', along: 'row', band: 'lowpass', high: 1, rate: 10 },
  ];
  const labelled: number[][] = [];
  const before = ({ count, width, values }: Rows) => {
    for (let row = 0; row < count; row++) labelled.push([...values.subarray(row * width, (row + 1) * width)]);
  };
  await line.send(
    { values: { a: 3, b: 8 }, time: 10 },
    { values: {}, time: 11, endsSegment: true },
    { values: { a: [4, 5, null], b: [1, null, 9] }, rate: 10, time: 12 },
    { values: { a: null, b: 7 }, time: 3, endsSegment: true },
  );
  await line.classify(doubleModel({ fields, steps: specs, before }));
  await untilTaken(line);
  const sent = { a: [3, 4, 5, Number.NaN, Number.NaN], b: [8, 1, Number.NaN, 9, 7] };
  const rows = sent.a.map((__, at) => ({
    ...{ device: 'd', ns: BigInt(at) },
    values: fields.map((name) => (name === 'a' ? sent.a : sent.b)[at] ?? Number.NaN),
  }));
  expect(labelled).toEqual(runAll(specs, fields, rows).rows.map(({ values }) => values));
});
