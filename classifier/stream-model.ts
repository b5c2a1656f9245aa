import { type Model, type ModelIdentity, type ModelOutput, readingFields, type Session } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import { createEncoder, type Labelled } from './encode.ts';

/** A model version at work on a stream. */
export interface StreamModel {
  readonly model: Model;
  /** By value of a reading that the model needs, its column in the stream. */
  readonly columns: readonly number[];
  /** Without steps: readings in the model's own columns, in its order. */
  readonly project: (rows: Rows) => Rows;
  /** The prediction of one row, as the log carries it. */
  readonly encode: (labelled: Labelled, row: number) => Uint8Array;
}

/**
 * Makes a model label a stream.
 * @throws {GaplineError} `model-invalid` where it needs values that the stream does not have.
 */
export function createStreamModel(stream: Stream, model: Model): StreamModel {
  const needed = readingFields(model);
  const columns = needed.map((name) => stream.fields.indexOf(name));
  const missing = needed.filter((name) => !stream.fields.includes(name));
  if (missing.length > 0) {
    const { name, version } = model.identity;
    const detail = `Model ${name} version ${version} needs ${listed(missing)}, which stream ${stream.name} does not have`;
    throw new GaplineError('model-invalid', detail, { retryable: false });
  }
  checkFacts(stream, model);
  const same = columns.length === stream.fields.length && columns.every((column, index) => column === index);
  return {
    model,
    columns,
    project: same ? (rows) => rows : (rows) => pick(rows, columns),
    encode: createEncoder(stream, model),
  };
}

/** @throws {GaplineError} `model-invalid` where its steps need facts that the stream does not take */
function checkFacts({ name: streamName, facts = {} }: Stream, { identity, steps }: Model): void {
  for (const { kind, values } of steps?.chain.facts?.needs ?? []) {
    const known = Object.hasOwn(facts, kind) ? facts[kind] : undefined;
    const missing = values.filter((value) => !known?.includes(value));
    if (known && missing.length === 0) continue;
    const what = known ? `${listed(missing)} of facts of kind ${kind}` : `facts of kind ${kind}`;
    const detail = `Model ${identity.name} version ${identity.version} needs ${what}, which stream ${streamName} does not have: see \`facts\` in stream.yaml`;
    throw new GaplineError('model-invalid', detail, { retryable: false });
  }
}

function pick(rows: Rows, columns: readonly number[]): Rows {
  const width = columns.length;
  const values = new Float64Array(rows.count * width);
  for (let row = 0; row < rows.count; row++)
    for (let column = 0; column < width; column++)
      values[row * width + column] = rows.values[row * rows.width + columns[column]!]!;
  return { ...rows, width, values };
}

/**
 * Arrays of another size, a label that is no class or a probability that is no number would make predictions that nobody can read.
 * @throws {GaplineError} `model-invalid`
 */
export function checkOutput(output: ModelOutput, rows: Rows, { identity, classes }: Model): ModelOutput {
  const { labels, probabilities, filled, sensitivity = [], spread = [] } = output;
  const fits =
    labels.length === rows.count &&
    probabilities.length === rows.count * classes.length &&
    filled.length === rows.count * rows.width;
  const returned = `Model ${identity.name} version ${identity.version} returned`;
  if (!fits) {
    const sizes = `${labels.length} labels, ${probabilities.length} probabilities and ${filled.length} values`;
    throw new GaplineError('model-invalid', `${returned} ${sizes} for ${rows.count} rows`);
  }
  for (const label of labels)
    if (label < -1 || label >= classes.length) throw new GaplineError('model-invalid', `${returned} label ${label}`);
  for (const numbers of [probabilities, sensitivity, spread])
    for (const probability of numbers)
      if (!Number.isFinite(probability))
        throw new GaplineError('model-invalid', `${returned} a probability of ${probability}`);
  return output;
}

/** Of no rows: steps may have completed none. */
const noOutput: ModelOutput = {
  labels: new Int32Array(0),
  probabilities: new Float64Array(0),
  filled: new Float64Array(0),
};

/**
 * Predicts with a session. Rows and output are in the model's own columns; the output is a promise only where the model's is.
 * @param into - see {@link Session.predict}
 */
export function predict(
  { model }: StreamModel,
  session: Session,
  rows: Rows,
  into?: Float64Array,
): ModelOutput | Promise<ModelOutput> {
  if (rows.count === 0) return noOutput;
  const output = session.predict(rows, into);
  const check = (settled: ModelOutput) => checkOutput(settled, rows, model);
  return output instanceof Promise ? output.then(check) : check(output);
}

export const describeModel = ({ name, version }: ModelIdentity): string => `model ${name} version ${version}`;

/** Which challenger failed, and why. */
export const describeChallenger = ({ model: { identity } }: StreamModel, error: unknown): string =>
  `challenger ${identity.name} version ${identity.version}: ${describeError(error)}`;

const listed = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
