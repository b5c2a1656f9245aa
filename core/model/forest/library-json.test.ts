import fc from 'fast-check';
import { Matrix } from 'ml-matrix';
import { RandomForestClassifier, RandomForestRegression } from 'ml-random-forest';
import { describe, expect, it } from 'vitest';
import type { Forest } from './forest.ts';
import { compile } from './layout.ts';
import { readLibraryForest, writeLibraryForest } from './library-json.ts';
import { predict } from './predict.ts';
import { anyForest, anyRows } from './testing/arbitrary.ts';

function ourLabels(forest: Forest, rows: number[][]): number[] {
  const out = {
    probabilities: new Float64Array(rows.length * forest.outputs),
    labels: new Int32Array(rows.length),
  };
  predict(compile(forest, { voting: 'majority' }), Float64Array.from(rows.flat()), rows.length, out);
  return Array.from(forest.task === 'regression' ? out.probabilities : out.labels);
}

const rowsOf = (values: Float64Array, width: number) =>
  Array.from({ length: values.length / width }, (_, row) =>
    Array.from(values.subarray(row * width, (row + 1) * width)),
  );

/** Made-up rows whose class hangs on sums of columns, with few distinct values so that thresholds are met exactly. */
function madeUp(count: number, width: number, classes: number) {
  const rows = Array.from({ length: count }, (_, row) =>
    Array.from({ length: width }, (_, column) => ((row * 31 + column * 17 + row * row * column) % 23) / 4),
  );
  const labels = rows.map(
    (row) => Math.floor(row.reduce((sum, value, column) => sum + value * (column % 3), 0)) % classes,
  );
  return { rows, labels };
}

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the file format of ml-random-forest', () => {
  it.each([
    { classes: 2, options: { nEstimators: 12, maxFeatures: 0.8, replacement: true, seed: 3 } },
    { classes: 3, options: { nEstimators: 9, maxFeatures: 3, replacement: false, seed: 5, useSampleBagging: false } },
    { classes: 7, options: { nEstimators: 15, seed: 8, treeOptions: { maxDepth: 4, minNumSamples: 5 } } },
  ])('reads what the library wrote and labels every row as the library does: $options', ({ classes, options }) => {
    const { rows, labels } = madeUp(150, 6, classes);
    const library = new RandomForestClassifier({ noOOB: true, ...options });
    library.train(rows, labels);
    const forest = readLibraryForest(throughJson(library.toJSON()), { width: 6, classes });
    const unseen = madeUp(400, 6, classes).rows.map((row) => row.map((value) => value * 1.07));
    expect(ourLabels(forest, [...rows, ...unseen])).toEqual(library.predict([...rows, ...unseen]));
  });

  it('reads a regression forest of the library', () => {
    const { rows } = madeUp(60, 4, 2);
    const target = rows.map((row) => row[0]! * 3 + row[1]! ** 2);
    const library = new RandomForestRegression({ nEstimators: 5, seed: 2, noOOB: true });
    library.train(rows, target);
    const ours = ourLabels(readLibraryForest(throughJson(library.toJSON()), { width: 4 }), rows);
    for (const [row, value] of library.predict(rows).entries()) expect(ours[row]).toBeCloseTo(value, 9);
  });

  it('writes what the library loads, with the same labels on every row', () => {
    const cases = anyForest
      .filter(({ task }) => task === 'classification')
      .chain((forest) => fc.record({ forest: fc.constant(forest), values: anyRows(forest, { gaps: false }) }));
    fc.assert(
      fc.property(cases, ({ forest, values }) => {
        const rows = rowsOf(values, forest.width);
        fc.pre(rows.length > 0);
        const json = throughJson(writeLibraryForest(forest)) as Parameters<typeof RandomForestClassifier.load>[0];
        const library = RandomForestClassifier.load(json);
        expect(library.predict(new Matrix(rows))).toEqual(ourLabels(forest, rows));
      }),
    );
  });

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(anyForest, (forest) => {
        const back = readLibraryForest(throughJson(writeLibraryForest(forest)), {
          width: forest.width,
          classes: forest.outputs,
        });
        const again = throughJson(writeLibraryForest(back));
        expect(again).toEqual(throughJson(writeLibraryForest(forest)));
      }),
    );
  });

  it('gives branches that the library did not count what is left of their parent', () => {
    const leaf = (numberSamples?: number) => ({ distribution: [[1, 0]], ...(numberSamples ? { numberSamples } : {}) });
    const split = (numberSamples: number, left: object, right: object) => ({
      splitColumn: 0,
      splitValue: 1,
      numberSamples,
      left,
      right,
    });
    const root = split(10, split(6, leaf(), leaf()), leaf());
    const forest = readLibraryForest({ name: 'RFClassifier', baseModel: { indexes: [[0]], estimators: [{ root }] } });
    expect(Array.from(forest.trees[0]!.weight)).toEqual([10, 6, 3, 3, 4]);
  });

  it.each([
    ['null', null, /RFClassifier or RFRegression/],
    ['another model', { name: 'SVM' }, /RFClassifier or RFRegression/],
    ['no trees', { name: 'RFClassifier', baseModel: { indexes: [], estimators: [] } }, /one entry a tree/],
    ['a tree without a root', withRoot(undefined), /tree 0.*node 0 is missing/],
    ['a column that the tree does not have', withRoot({ splitColumn: 3, splitValue: 1 }), /no known column/],
    ['a split without a value', withRoot({ splitColumn: 0, splitValue: null }), /no splitValue/],
    ['half a split', withRoot({ splitColumn: 0, splitValue: 1, left: { distribution: [[1]] } }), /node 2 is missing/],
    ['an empty distribution', withRoot({ distribution: [[]] }), /not a row of numbers/],
    ['a distribution of words', withRoot({ distribution: [['a']] }), /not a row of numbers/],
    ['a distribution of half a row', withRoot({ distribution: [[0.5, 0]] }), /tree 0.*are no shares that sum to one/],
    ['a share below zero', withRoot({ distribution: [[2, -1]] }), /are no shares that sum to one/],
    ['more classes than expected', withRoot({ distribution: [[0, 0, 1]] }), /3 classes but 2/],
  ])('refuses %s', (_, json, why) => {
    expect(() => readLibraryForest(json, { width: 2, classes: 2 })).toThrow(why);
    expect(() => readLibraryForest(json, { width: 2, classes: 2 })).toThrow(
      expect.objectContaining({ code: 'model-invalid' }),
    );
  });
});

function withRoot(root: unknown) {
  return { name: 'RFClassifier', baseModel: { indexes: [[0, 1]], estimators: [{ root }] } };
}
