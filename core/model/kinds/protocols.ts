import type { HttpEstimator } from './http-schema.ts';

export interface InferenceRequest {
  readonly server: HttpEstimator;
  readonly fields: readonly string[];
  /** Row-major; a NaN is sent as null. */
  readonly values: Float64Array;
  readonly count: number;
}

export interface ExpectedResponse {
  readonly server: HttpEstimator;
  readonly classes: readonly string[];
  readonly count: number;
}

/** The content of a response: a label a row, or flat probabilities by row and class; not checked yet. A text is the reason why it is neither. */
export type ResponseContent =
  | { readonly labels: readonly unknown[] }
  | { readonly probabilities: readonly unknown[] }
  | string;

/** How rows travel to a kind of server, and its response back. */
export interface Protocol {
  /** Below the server's address. */
  path(server: HttpEstimator): string;
  request(rows: InferenceRequest): string;
  read(json: unknown, expected: ExpectedResponse): ResponseContent;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Nested row by row, or flat already. No deeper than the shape: a response may nest without end. */
const flattened = (data: unknown[], depth: number): unknown[] => data.flat(Math.min(8, depth - 1));

/** JSON knows no NaN: gaps travel as null. */
const cells = (values: Float64Array): (number | null)[] =>
  Array.from(values, (value) => (Number.isNaN(value) ? null : value));

/**
 * The Open Inference Protocol, version 2, over REST.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
const v2: Protocol = {
  path: ({ model }) => `v2/models/${encodeURIComponent(model ?? 'model')}/infer`,
  request: ({ server, fields, values, count }) =>
    JSON.stringify({
      inputs: [{ name: server.input, shape: [count, fields.length], datatype: 'FP64', data: cells(values) }],
      ...(server.output !== undefined && { outputs: [{ name: server.output }] }),
    }),
  read(json, { server, classes, count }) {
    const outputs = isObject(json) && Array.isArray(json.outputs) ? json.outputs.filter(isObject) : [];
    const wanted = server.output === undefined ? outputs : outputs.filter(({ name }) => name === server.output);
    const tensors = wanted.filter(
      (output): output is { shape: number[]; data: unknown[] } =>
        Array.isArray(output.data) && Array.isArray(output.shape),
    );
    const flat = tensors.map(({ shape, data }) => ({ shape, data: flattened(data, shape.length) }));
    const probabilities = flat.find(({ data, shape }) => shape.length === 2 && data.length === count * classes.length);
    if (probabilities) return { probabilities: probabilities.data };
    const labels = flat.find(({ data, shape }) => data.length === count && shape[0] === count);
    if (labels) return { labels: labels.data };
    const shapes = tensors.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ') || 'no tensor';
    return `${shapes}, where [${count}, ${classes.length}] or [${count}] was wanted`;
  },
};

/**
 * The scoring server of MLflow (`mlflow models serve`). `predict` of scikit-learn's flavour gives labels; logged with
 * `pyfunc_predict_fn="predict_proba"` it gives probabilities.
 * Source: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
 */
const mlflow: Protocol = {
  path: () => 'invocations',
  request({ fields, values, count }) {
    const width = fields.length;
    const data = Array.from({ length: count }, (_, row) => cells(values.subarray(row * width, (row + 1) * width)));
    return JSON.stringify({ dataframe_split: { columns: fields, data } });
  },
  read(json, { classes, count }) {
    const predictions = isObject(json) ? json.predictions : undefined;
    if (!Array.isArray(predictions) || predictions.length !== count) return `no "predictions" for ${count} rows`;
    if (predictions.every(Array.isArray)) return { probabilities: predictions.flat() };
    if (predictions.every(isObject))
      return { probabilities: predictions.flatMap((row) => probabilitiesOf(row, classes)) };
    return { labels: predictions };
  },
};

/** A row of a data frame: by the class's name where its columns are called so, else in their order. */
function probabilitiesOf(row: Record<string, unknown>, classes: readonly string[]): unknown[] {
  return classes.every((name) => Object.hasOwn(row, name)) ? classes.map((name) => row[name]) : Object.values(row);
}

export const protocols = { v2, mlflow } as const satisfies Record<string, Protocol>;
