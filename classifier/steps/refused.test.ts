import { expect, test } from 'vitest';
import type { StepSpec } from '../../core/steps/registry.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { doubleModel } from '../testing/doubles.ts';
import type { ReadingParts } from '../testing/line.ts';
import { linesOfEachTest } from '../testing/lines.ts';

const steps: readonly StepSpec[] = [
  { use: 'window', length: '1s', grace: '200ms' },
  { use: 'statistics', features: ['max'] },
];
const second = 1_000_000_000;
const startNs = 1_700_000_000 * second;
const unwanted = 99;

const lines = linesOfEachTest();

/** A model that refuses every row in which a value is the unwanted one. */
const refusing = () =>
  doubleModel({
    steps,
    before({ values }) {
      if (values.includes(unwanted)) throw new GaplineError('model-invalid', 'no such vibration', { retryable: false });
    },
  });

/** Two samples a second of two devices; in the third second of the first one an unwanted value. */
const readings = (from: number, to: number): ReadingParts[] =>
  Array.from({ length: (to - from) * 4 }, (_, at) => {
    const half = from * 2 + (at >> 1);
    const value = at % 2 === 0 && half === 4 ? unwanted : half % 5;
    return { device: `d${at % 2}`, time: startNs + (half * second) / 2, values: { a: value, b: 1 } };
  });

test('a window that the model refuses is one dead letter: the device continues, and its later windows are whole', async () => {
  const line = await lines.open();
  const checkpoints = { everyRecords: 1_000_000, everyMs: 3_600_000 };
  const first = await line.classify(refusing(), { checkpoints });
  const all = readings(0, 12);
  await line.send(...all.slice(0, 30));
  await first.taken(30);
  const totals = first.totals();
  const { consumed = 0, refused } = totals.steps ?? {};
  expect({ refused, deadLetters: totals.deadLetters }).toEqual({ refused: 1, deadLetters: 1 });
  expect(consumed + totals.held).toBe(30);
  await first.stop();
  // No dead letter had a checkpoint of its own: one for each partition that had readings, at its first batch.
  expect((await line.all(line.stream.topics.state)).length).toBeLessThanOrEqual(2);

  // Replayed from the checkpoint on, over the record that is a dead letter.
  const second_ = await line.classify(refusing(), { checkpoints });
  await line.send(...all.slice(30));
  await second_.taken(all.length - 30);
  const ends = (device: string, found: readonly { device: string; time: string }[]) =>
    found.filter((one) => one.device === device).map(({ time }) => (Number(time) - startNs) / second);
  const predictions = await line.predictions();
  expect(ends('d0', predictions)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(ends('d1', predictions)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(predictions.every(({ samples }) => samples === 2)).toBe(true);
  expect((await line.deadLetters()).map(({ reason }) => reason)).toEqual([
    expect.stringContaining('no such vibration'),
  ]);
});
