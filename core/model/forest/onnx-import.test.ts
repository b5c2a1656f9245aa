import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Forest } from './forest.ts';
import { compile } from './layout.ts';
import { importOnnxForest } from './onnx-import.ts';
import { predict } from './predict.ts';
import { belowIfFloatAtMost, belowIfFloatBelow, nextUp } from './thresholds.ts';

const file = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

interface Expected {
  readonly rows: (number | null)[][];
  readonly probabilities?: number[][];
  readonly labels?: (number | string)[];
  readonly values?: number[];
}

const expectedOf = (name: string): Expected => JSON.parse(file(`${name}.json`).toString());

function predictionsOf(forest: Forest, rows: (number | null)[][]) {
  const out = { probabilities: new Float64Array(rows.length * forest.outputs), labels: new Int32Array(rows.length) };
  predict(
    compile(forest),
    Float64Array.from(rows.flat(), (value) => value ?? Number.NaN),
    rows.length,
    out,
  );
  return out;
}

describe('importOnnxForest', () => {
  it.each([
    'sklearn-forest-2',
    'sklearn-forest-3',
    'sklearn-forest-2-double',
    'sklearn-forest-3-double',
    'sklearn-extra-trees-named',
    'sklearn-boosting-2',
    'sklearn-boosting-3',
    'xgboost-2',
    'xgboost-3',
    'lightgbm-2',
    'lightgbm-3',
    'lightgbm-2-mul',
    'lightgbm-3-mul',
    'sklearn-forest-3-scaled',
  ])('predicts %s as ONNX Runtime does, on thresholds and with gaps', (name) => {
    const { rows, probabilities, labels } = expectedOf(name);
    const { forest, classes } = importOnnxForest(file(`${name}.onnx`), { width: 5 });
    const ours = predictionsOf(forest, rows);
    expect(Array.from(ours.labels, (label) => classes![label])).toEqual(labels!.map(String));
    for (const [at, value] of probabilities!.flat().entries()) expect(ours.probabilities[at]).toBeCloseTo(value, 6);
  });

  it.each(['sklearn-regression', 'lightgbm-regression-div'])(
    'predicts the regression %s as ONNX Runtime does',
    (name) => {
      const { rows, values } = expectedOf(name);
      const { forest, classes } = importOnnxForest(file(`${name}.onnx`), { width: 5 });
      expect(classes).toBeUndefined();
      for (const [row, value] of predictionsOf(forest, rows).probabilities.entries())
        expect(value).toBeCloseTo(values![row]!, 5);
    },
  );

  it('gives what scikit-learn averages as distributions, so that such a forest can vote and be written', () => {
    const { forest } = importOnnxForest(file('sklearn-forest-3.onnx'));
    expect(forest.boosting).toBeUndefined();
    for (const tree of forest.trees) {
      for (const [node, feature] of tree.feature.entries()) {
        const whole = tree.value.subarray(node * 3, node * 3 + 3).reduce((sum, share) => sum + share, 0);
        expect(whole).toBeCloseTo(feature < 0 ? 1 : 0, 5);
      }
    }
  });

  it('refuses files that are something else, whole, cut off or overwritten, with a reason', () => {
    const model = file('xgboost-3.onnx');
    const refused = (bytes: Uint8Array) => {
      try {
        importOnnxForest(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'model-invalid' });
        expect(error).toHaveProperty('message', expect.stringMatching(/^The ONNX file cannot be used: /));
      }
    };
    expect(() => importOnnxForest(Buffer.from('{"name":"RFClassifier"}'))).toThrow(/no ONNX model/);
    expect(() => importOnnxForest(new Uint8Array(0))).toThrow(/no ONNX model/);
    expect(() => importOnnxForest(model, { width: 1 })).toThrow(/tests column \d but rows have 1 columns/);
    fc.assert(fc.property(fc.nat({ max: model.length - 1 }), (length) => refused(model.subarray(0, length))));
    fc.assert(
      fc.property(fc.nat({ max: model.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = Buffer.from(model);
        changed[at] = byte;
        refused(changed);
      }),
      { numRuns: 300 },
    );
  });
});

describe('scikit-learn', () => {
  it('averages as we do, to the last bit', () => {
    const { rows, trees, probabilities, labels } = JSON.parse(file('scikit-learn.json').toString());
    const forest: Forest = {
      task: 'classification',
      width: 5,
      outputs: 3,
      trees: trees.map((tree: Record<'feature' | 'threshold' | 'left' | 'right' | 'value', number[]>) => ({
        feature: Int32Array.from(tree.feature, (feature) => Math.max(-1, feature)),
        threshold: Float64Array.from(tree.threshold, nextUp),
        left: Int32Array.from(tree.left),
        right: Int32Array.from(tree.right),
        value: Float64Array.from(tree.value),
        weight: new Float64Array(tree.feature.length).fill(1),
        gain: new Float64Array(tree.feature.length),
      })),
    };
    const ours = predictionsOf(forest, rows);
    expect(Array.from(ours.probabilities)).toEqual(probabilities.flat());
    expect(Array.from(ours.labels)).toEqual(labels);
  });
});

describe('thresholds for 32-bit floats', () => {
  const anyFloat = fc.float({ noNaN: true, noDefaultInfinity: true });
  /** Doubles near a float, where rounding decides. */
  const anyNear = fc
    .record({ threshold: anyFloat, steps: fc.integer({ min: -3, max: 3 }), part: fc.constantFrom(0, 0.5, 1) })
    .map(({ threshold, steps, part }) => {
      const gap = Math.max(2 ** -149, Math.abs(threshold) * 2 ** -23);
      return {
        threshold,
        value: threshold + gap * part * (steps < 0 ? -1 : 1) + steps * Number.EPSILON * Math.abs(threshold),
      };
    });

  it('part doubles as rounding them first would', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyNear,
          fc.record({ threshold: anyFloat, value: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
        ),
        ({ threshold, value }) => {
          expect(value < belowIfFloatAtMost(threshold)).toBe(Math.fround(value) <= threshold);
          expect(value < belowIfFloatBelow(threshold)).toBe(Math.fround(value) < threshold);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
