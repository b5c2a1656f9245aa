import { expect, test } from 'vitest';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { fitCandidate } from './candidate.ts';
import { learnMaxGaps } from './max-gaps.ts';
import { trainingOptions, trainingSchema } from './options.ts';
import type { LabelledRows } from './rows.ts';

const width = 8;

/** Two classes; each of the fields tells a little of them, or nothing. */
function rowsOf(count: number, signal: number, seed: number): LabelledRows {
  const random = mulberry32(seed);
  const labels = Int32Array.from({ length: count }, () => (random() < 0.6 ? 0 : 1));
  const values = Float64Array.from({ length: count * width }, (_, at) => {
    return (labels[Math.floor(at / width)] ?? 0) * signal + random() + random() + random() + random();
  });
  return { count, width, values, labels, devices: new Array(count).fill('d'), times: new BigInt64Array(count) };
}

async function learn(signal: number): Promise<number | undefined> {
  const options = trainingOptions(trainingSchema.parse({ trees: 20 }));
  const fields = Array.from({ length: width }, (_, field) => `f${field}`);
  const { model } = await fitCandidate({ rows: rowsOf(600, signal, 1), fields, classes: ['a', 'b'], options });
  return learnMaxGaps(model, rowsOf(400, signal, 2), 3);
}

test('the more the values tell, the more gaps a label survives', async () => {
  const [weak, strong] = [await learn(0.25), await learn(4)];
  expect(weak).toBeLessThan(width);
  expect(strong).toBeGreaterThan(width / 2);
  expect(weak).toBeLessThan(strong ?? 0);
});

test('where the values tell nothing, there is no number that helps', async () => {
  expect(await learn(0)).toBeUndefined();
});
