import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { obtainOnnxRuntime, onnxRuntime } from '../../../test/servers/onnxruntime.ts';
import fixture from './fixtures/models.json' with { type: 'json' };
import { type OnnxRuntime, openOnnx } from './onnx.ts';
import { type OnnxEstimator, onnxEstimatorSchema } from './onnx-schema.ts';

const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const runtime = onnxRuntime() ?? (required ? () => obtainOnnxRuntime(console.error).then((load) => load()) : undefined);
const note = runtime ? '' : ' (not run: no onnxruntime-node here, GAPLINE_REQUIRE_SERVERS=1 gets it)';

const fileOf = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name));
const values = Float64Array.from(fixture.rows.flat());
const count = fixture.rows.length;

const open = (file: string, options: Partial<OnnxEstimator> = {}, more: { width?: number; classes?: string[] } = {}) =>
  openOnnx({
    model: onnxEstimatorSchema.parse({ kind: 'onnx', file, ...options }),
    bytes: fileOf(file),
    width: 3,
    classes: fixture.classes,
    runtime: runtime!,
    ...more,
  });

describe.skipIf(!runtime)(`an ONNX file${note}`, { timeout: 600_000 }, () => {
  it.each([
    ['a forest of scikit-learn, float32', 'forest.onnx', {}, fixture.forest],
    ['a linear model of scikit-learn, float64', 'linear.onnx', {}, fixture.linear],
    ['a linear model with a ZipMap', 'linear-zipmap.onnx', {}, fixture.linear],
    ['the output of a ZipMap that is named', 'linear-zipmap.onnx', { output: 'output_probability' }, fixture.linear],
    ['scores, as PyTorch exports them', 'scores.onnx', { scores: 'softmax' }, fixture.scores],
    ['an output that is named', 'forest.onnx', { output: 'probabilities' }, fixture.forest],
  ] as const)('gives the probabilities of its maker: %s', async (_, file, options, expected) => {
    const estimator = await open(file, options);
    const { labels, probabilities } = await estimator.predict(values, count);
    expected.flat().forEach((share, at) => void expect(probabilities[at]).toBeCloseTo(share, 5));
    expect([...labels]).toEqual(expected.map(([ham, spam]) => (spam! > ham! ? 1 : 0)));
    await estimator.close();
  });

  it('labels no rows at all', async () => {
    const estimator = await open('forest.onnx');
    expect((await estimator.predict(new Float64Array(0), 0)).labels).toHaveLength(0);
    await estimator.close();
  });

  it('of another number of columns or an unknown output is refused when it is opened', async () => {
    await expect(open('forest.onnx', {}, { width: 4 })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/takes 3 columns, not 4/),
    });
    await expect(open('forest.onnx', { output: 'other' })).rejects.toMatchObject({
      message: expect.stringMatching(/no output tensor other; it has label, probabilities/),
    });
  });

  it('of another number of classes is refused', async () => {
    const estimator = await open('forest.onnx', {}, { classes: ['a', 'b', 'c'] });
    await expect(Promise.resolve(estimator.predict(values, count))).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/no probabilities for 3 classes: label \[20\], probabilities \[20, 2\]/),
    });
    await estimator.close();
  });

  it('that is none is refused', async () => {
    const model = onnxEstimatorSchema.parse({ kind: 'onnx', file: 'bad.onnx' });
    const bytes = new TextEncoder().encode('not a model');
    await expect(
      openOnnx({ model, bytes, width: 3, classes: fixture.classes, runtime: runtime! }),
    ).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/bad\.onnx is no ONNX file that runs here/),
    });
  });
});

/** A runtime that gives these numbers, whatever its input. */
function saying(data: number[], dims: number[]): () => Promise<OnnxRuntime> {
  return async () => ({
    InferenceSession: {
      create: async () => ({
        inputNames: ['x'],
        outputNames: ['y'],
        run: async () => ({ y: { data, dims } }),
        release: async () => {},
      }),
    },
    Tensor: class {},
  });
}

const scored = async (data: number[], dims: number[], scores: OnnxEstimator['scores']) => {
  const model = onnxEstimatorSchema.parse({ kind: 'onnx', file: 'x.onnx', scores });
  const estimator = await openOnnx({
    model,
    bytes: new Uint8Array(),
    width: 1,
    classes: ['no', 'yes'],
    runtime: saying(data, dims),
  });
  return estimator.predict(new Float64Array(2), 2);
};

it('a single score of two classes is that of the second', async () => {
  const { labels, probabilities } = await scored([0, 2], [2, 1], 'logistic');
  expect([...probabilities]).toEqual(
    [0.5, 0.5, 1 - 1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(-2))].map((share) => expect.closeTo(share, 12)),
  );
  expect([...labels]).toEqual([0, 1]);
});

it('scores of any size have a softmax', async () => {
  const { probabilities } = await scored([1000, 999, -1000, -1000], [2, 2], 'softmax');
  const first = 1 / (1 + Math.exp(-1));
  expect([...probabilities]).toEqual([first, 1 - first, 0.5, 0.5].map((share) => expect.closeTo(share, 12)));
});

it('without onnxruntime-node the error names what to install', async () => {
  const model = onnxEstimatorSchema.parse({ kind: 'onnx', file: 'x.onnx' });
  await expect(openOnnx({ model, bytes: new Uint8Array(), width: 1, classes: ['a', 'b'] })).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringMatching(/npm install --ignore-scripts onnxruntime-node/),
  });
});
