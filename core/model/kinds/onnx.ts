import { argmax } from '../../numeric/argmax.ts';
import { elementAt } from '../../numeric/element.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
import type { Estimates, Estimator } from './estimator.ts';
import type { OnnxEstimator } from './onnx-schema.ts';
import { withoutZipMaps } from './onnx-zipmap.ts';

/** What we use of onnxruntime-node. */
export interface OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<OnnxSession> };
  readonly Tensor: new (
    type: 'float32' | 'float64',
    data: Float32Array | Float64Array,
    dims: readonly number[],
  ) => unknown;
}

interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly inputMetadata?: readonly {
    readonly name: string;
    readonly type?: string;
    readonly shape?: readonly (number | string)[];
  }[];
  readonly outputNames: readonly string[];
  readonly outputMetadata?: readonly { readonly name: string; readonly isTensor?: boolean }[];
  run(feeds: Record<string, unknown>, fetches: readonly string[]): Promise<Record<string, OnnxTensor>>;
  release(): Promise<void>;
}

interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint | string>;
}

export interface OnnxOptions {
  readonly model: OnnxEstimator;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly classes: readonly string[];
  /** Default: the package onnxruntime-node, which has to be there. */
  readonly runtime?: () => Promise<OnnxRuntime>;
}

/** Runs an ONNX file: from scikit-learn, XGBoost, LightGBM, PyTorch. onnxruntime-node is 288 MB, so it is loaded only here. */
export async function openOnnx({
  model,
  bytes,
  width,
  classes,
  runtime = loadRuntime,
}: OnnxOptions): Promise<Estimator> {
  const ort = await runtime();
  const session = await ort.InferenceSession.create(readable(bytes), { logSeverityLevel: 3 }).catch(
    (error: unknown) => {
      throw new GaplineError('model-invalid', `${model.file} is no ONNX file that runs here: ${describeError(error)}`, {
        cause: error,
      });
    },
  );
  const input = session.inputMetadata?.[0];
  const double = input?.type === 'float64' || input?.type === 'double';
  const outputs = outputsOf(session, model);
  const hint = outputs.length < session.outputNames.length ? `; ${zipMapAdvice}` : '';
  const inputName = checkInput(session, width, model.file);
  return {
    async predict(values, count) {
      if (count === 0) return { labels: new Int32Array(0), probabilities: new Float64Array(0) };
      const tensor = double
        ? new ort.Tensor('float64', values, [count, width])
        : new ort.Tensor('float32', Float32Array.from(values), [count, width]);
      const results = await session.run({ [inputName]: tensor }, outputs);
      const scores = outputs
        .flatMap((name) => results[name] ?? [])
        .findLast(({ data }) => fits(data, count, classes.length, model));
      if (!scores)
        throw new GaplineError(
          'model-invalid',
          `${model.file} gives no probabilities for ${classes.length} classes: ${shapesOf(results)}${hint}`,
        );
      return toEstimates(scores.data as ArrayLike<number>, count, classes.length, model.scores);
    },
    close: () => session.release(),
  };
}

function readable(bytes: Uint8Array): Uint8Array {
  try {
    return withoutZipMaps(bytes);
  } catch {
    // What is no message, ONNX Runtime says better.
    return bytes;
  }
}

/** A list of maps from classes to probabilities is what ONNX Runtime for Node returns to nobody. */
const zipMapAdvice =
  'an output is no tensor (a ZipMap?): convert it without, as skl2onnx does with options={"zipmap": False} and onnxmltools with zipmap=False';

async function loadRuntime(): Promise<OnnxRuntime> {
  // Not a dependency: the name is kept from the compiler.
  const name: string = 'onnxruntime-node';
  try {
    const loaded = await import(name);
    return loaded.default ?? loaded;
  } catch (error) {
    const detail =
      'this model is an ONNX file, which needs onnxruntime-node: npm install --ignore-scripts onnxruntime-node';
    throw new GaplineError('model-invalid', detail, { cause: error, retryable: false });
  }
}

function outputsOf(session: OnnxSession, { file, output }: OnnxEstimator): readonly string[] {
  const tensors = session.outputNames.filter((_, index) => session.outputMetadata?.[index]?.isTensor !== false);
  if (output === undefined && tensors.length > 0) return tensors;
  if (output !== undefined && tensors.includes(output)) return [output];
  const hint = tensors.length === 0 ? zipMapAdvice : `it has ${tensors.join(', ')}`;
  throw new GaplineError('model-invalid', `${file} has no output tensor ${output ?? ''}; ${hint}`);
}

/** The name of the only input, which takes rows of that width. */
function checkInput(session: OnnxSession, width: number, file: string): string {
  const [name, ...others] = session.inputNames;
  if (name === undefined || others.length > 0)
    throw new GaplineError(
      'model-invalid',
      `${file} takes ${session.inputNames.length} inputs; one matrix of rows is wanted`,
    );
  const columns = session.inputMetadata?.[0]?.shape?.[1];
  if (typeof columns === 'number' && columns > 0 && columns !== width)
    throw new GaplineError('model-invalid', `${file} takes ${columns} columns, not ${width}`);
  return name;
}

/** For two classes the score of the second alone is enough. */
function fits(data: ArrayLike<unknown>, count: number, classes: number, { scores }: OnnxEstimator): boolean {
  const single = scores === 'logistic' && classes === 2 && data.length === count;
  return typeof data[0] === 'number' && (single || data.length === count * classes);
}

const shapesOf = (results: Record<string, OnnxTensor>): string =>
  Object.entries(results)
    .map(([name, { dims }]) => `${name} [${dims.join(', ')}]`)
    .join(', ');

function toEstimates(
  data: ArrayLike<number>,
  count: number,
  classes: number,
  scores: OnnxEstimator['scores'],
): Estimates {
  const probabilities = new Float64Array(count * classes);
  const labels = new Int32Array(count);
  const single = data.length < count * classes;
  for (let row = 0; row < count; row++) {
    // One logistic score for two classes is that of the second; the first has the rest.
    const raw = single
      ? [-elementAt(data, row), elementAt(data, row)]
      : Array.from({ length: classes }, (_, at) => elementAt(data, row * classes + at));
    const rowProbabilities = toProbabilities(raw, scores);
    probabilities.set(rowProbabilities, row * classes);
    labels[row] = rowProbabilities.some(Number.isNaN) ? -1 : argmax(probabilities, row * classes, classes);
  }
  return { labels, probabilities };
}

function toProbabilities(raw: readonly number[], scores: OnnxEstimator['scores']): number[] {
  const most = Math.max(...raw);
  const weights = raw.map((score) => {
    if (scores === 'softmax') return Math.exp(score - most);
    return scores === 'logistic' ? 1 / (1 + Math.exp(-score)) : score;
  });
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
