import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementAt } from '../../numeric/element.ts';
import { compile } from './layout.ts';
import { Attributes } from './onnx-attributes.ts';
import { importOnnxForest } from './onnx-import.ts';
import { greatestFloat } from './onnx-preparation.ts';
import { predict } from './predict.ts';
import { Message } from './protobuf.ts';

const bytes = readFileSync(new URL('fixtures/imputer-scaler-forest.onnx', import.meta.url));
const [imputer, scaler, ensemble] = (new Message(bytes).message(7)?.messages(1) ?? []).map(
  (operator) => new Attributes(operator),
);

/** Computes what the file's operators do, one after the other, in 32 bits: the share of the second class. */
function readOperators(): (row: readonly number[]) => number {
  if (!imputer || !scaler || !ensemble) throw new Error('the fixture has three operators');
  const fills = imputer.numbers('imputed_value_floats');
  const [offsets, scales] = [scaler.numbers('offset'), scaler.numbers('scale')];
  const integers = (name: string) => ensemble.integers(name);
  const [trees, ids, features] = [integers('nodes_treeids'), integers('nodes_nodeids'), integers('nodes_featureids')];
  const [yes, no] = [integers('nodes_truenodeids'), integers('nodes_falsenodeids')];
  const [modes, thresholds] = [ensemble.strings('nodes_modes'), ensemble.numbers('nodes_values')];
  const places = new Map(trees.map((tree, at) => [`${tree}:${elementAt(ids, at)}`, at]));
  const [leafTrees, leafNodes, classes] = [integers('class_treeids'), integers('class_nodeids'), integers('class_ids')];
  const weights = ensemble.numbers('class_weights');
  // Of two classes the file may hold the second's share only.
  const second = Math.max(...classes);
  const shares = new Map<string, number>();
  for (const [at, tree] of leafTrees.entries())
    if (elementAt(classes, at) === second) shares.set(`${tree}:${elementAt(leafNodes, at)}`, elementAt(weights, at));
  return (row) => {
    const prepared = row.map((value, at) => {
      const filled = Math.fround(Number.isNaN(value) ? elementAt(fills, at) : value);
      return Math.fround(Math.fround(filled - elementAt(offsets, at)) * elementAt(scales, at));
    });
    let sum = 0;
    for (const tree of new Set(trees)) {
      let node = 0;
      for (;;) {
        const at = places.get(`${tree}:${node}`) ?? 0;
        if (elementAt(modes, at) === 'LEAF') break;
        const goes = elementAt(prepared, elementAt(features, at)) <= elementAt(thresholds, at);
        node = elementAt(goes ? yes : no, at);
      }
      sum += shares.get(`${tree}:${node}`) ?? 0;
    }
    return sum;
  };
}

test('trees behind an imputer and a scaler are compiled, and a gap goes where its filled value would', () => {
  const { forest, fillsGaps } = importOnnxForest(bytes, { width: 4 });
  expect(fillsGaps).toBe(true);
  const compiled = compile(forest);
  const byOperators = readOperators();
  const value = fc.oneof(fc.constant(Number.NaN), fc.float({ noNaN: true, min: -3, max: 3 }));
  fc.assert(
    fc.property(fc.array(value, { minLength: 4, maxLength: 4 }), (row) => {
      const out = { probabilities: new Float64Array(2), labels: new Int32Array(1) };
      predict(compiled, Float64Array.from(row), 1, out);
      expect(elementAt(out.probabilities, 1)).toBeCloseTo(byOperators(row), 5);
    }),
    { numRuns: 200 },
  );
});

test('the greatest float for which a test holds', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (bound) => {
      expect(greatestFloat((value) => value <= bound)).toEqual(bound === 0 ? 0 : bound);
    }),
  );
  expect(greatestFloat(() => false)).toBeUndefined();
  expect(greatestFloat(() => true)).toBe(Number.POSITIVE_INFINITY);
});
