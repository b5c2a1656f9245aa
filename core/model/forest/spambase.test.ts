import { readFileSync } from 'node:fs';
import { RandomForestClassifier } from 'ml-random-forest';
import { describe, expect, it } from 'vitest';
import { compile } from './layout.ts';
import { writeLibraryForest } from './library-json.ts';
import { predict } from './predict.ts';
import { predictReference } from './testing/reference.ts';
import { trainForest } from './train.ts';

const width = 57;

function read(name: string) {
  const text = readFileSync(new URL(`../../../examples/spambase/data/${name}`, import.meta.url), 'utf8');
  const lines = text.trim().split(/\r?\n/).slice(1);
  const rows = lines.map((line) => line.split(','));
  return {
    values: Float64Array.from(rows.flatMap((row) => row.slice(0, width).map(Number))),
    labels: Int32Array.from(rows, (row) => (row[width] === 'spam' ? 1 : 0)),
    count: rows.length,
  };
}

describe('a forest for Spambase', () => {
  it('is right on test.csv, and compiled, read by the reference or by ml-random-forest predicts the same for every row', async () => {
    const train = read('train.csv');
    const test = read('test.csv');
    const { forest } = await trainForest({ ...train, width, classes: 2, options: { trees: 40 } });
    const predictAll = (voting: 'mean' | 'majority') => {
      const out = { probabilities: new Float64Array(test.count * 2), labels: new Int32Array(test.count) };
      predict(compile(forest, { voting }), test.values, test.count, out);
      return out;
    };
    const mean = predictAll('mean');
    const right = mean.labels.reduce((sum, label, row) => sum + (label === test.labels[row] ? 1 : 0), 0);
    expect(right / test.count).toBeGreaterThan(0.94);

    const rows = Array.from({ length: test.count }, (_, row) =>
      Array.from(test.values.subarray(row * width, (row + 1) * width)),
    );
    const reference = rows.map((row) => predictReference(forest, row));
    expect(Array.from(mean.probabilities)).toEqual(reference.flatMap(({ probabilities }) => probabilities));

    const json = JSON.parse(JSON.stringify(writeLibraryForest(forest)));
    expect(Array.from(predictAll('majority').labels)).toEqual(RandomForestClassifier.load(json).predict(rows));
  });
});
