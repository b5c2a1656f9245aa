import type { Model, ModelOutput, Session } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import { createEncoder, type Labelled } from './encode.ts';

/** A model version at work on a stream. */
export interface Serving {
  readonly model: Model;
  /** The rows as the model wants them: its own columns, in its order. */
  project(rows: Rows): Rows;
  /** The prediction of one row, as the log carries it. */
  encode(labelled: Labelled, row: number): Uint8Array;
}

/**
 * Puts a model to work.
 * @throws {GaplineError} `model-invalid` where it wants values that the stream does not have.
 */
export function serve(stream: Stream, model: Model): Serving {
  const columns = model.fields.map((name) => stream.fields.indexOf(name));
  const missing = model.fields.filter((_, index) => columns[index]! < 0);
  if (missing.length > 0) {
    const { name, version } = model.identity;
    const detail = `Model ${name} version ${version} wants ${listed(missing)}, which stream ${stream.name} does not have`;
    throw new GaplineError('model-invalid', detail, { retryable: false });
  }
  const same = columns.length === stream.fields.length && columns.every((column, index) => column === index);
  return {
    model,
    project: same ? (rows) => rows : (rows) => pick(rows, columns),
    encode: createEncoder(stream, model),
  };
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
 * An answer with arrays of another size, a label that is no class or a probability that is no number would make predictions that
 * nobody can read.
 */
export function checkAnswer(answer: ModelOutput, rows: Rows, { identity, classes }: Model): ModelOutput {
  const { labels, probabilities, filled } = answer;
  const fits =
    labels.length === rows.count &&
    probabilities.length === rows.count * classes.length &&
    filled.length === rows.count * rows.width;
  const who = `Model ${identity.name} version ${identity.version}`;
  if (!fits) {
    const sizes = `${labels.length} labels, ${probabilities.length} probabilities and ${filled.length} values`;
    throw new GaplineError('model-invalid', `${who} answered ${rows.count} rows with ${sizes}`);
  }
  for (const label of labels)
    if (label < -1 || label >= classes.length)
      throw new GaplineError('model-invalid', `${who} answered label ${label}`);
  for (const shares of [probabilities, answer.sensitivity ?? []])
    for (const share of shares)
      if (!Number.isFinite(share)) throw new GaplineError('model-invalid', `${who} answered a probability of ${share}`);
  return answer;
}

/** Asks a session. Rows and answer are in the model's own columns; the answer comes at once where the model's does. */
export function ask(serving: Serving, session: Session, streamRows: Rows) {
  const rows = serving.project(streamRows);
  const said = session.predict(rows);
  const check = (answer: ModelOutput) => checkAnswer(answer, rows, serving.model);
  return { rows, answer: said instanceof Promise ? said.then(check) : check(said) };
}

const listed = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
