import type { Answer, Model, Rows, Session } from '../core/model/model.ts';
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

/** An answer whose arrays are too short would make predictions of other rows' numbers. */
export function checkAnswer(answer: Answer, rows: Rows, { identity, classes }: Model): Answer {
  const { labels, probabilities, filled } = answer;
  const fits =
    labels.length === rows.count &&
    probabilities.length === rows.count * classes.length &&
    filled.length === rows.count * rows.width;
  if (fits) return answer;
  const detail = `Model ${identity.name} version ${identity.version} answered ${rows.count} rows with ${labels.length} labels, ${probabilities.length} probabilities and ${filled.length} values`;
  throw new GaplineError('model-invalid', detail);
}

/** Asks a session; rows and answer are in the model's own columns. */
export async function predict(serving: Serving, session: Session, streamRows: Rows) {
  const rows = serving.project(streamRows);
  const said = session.predict(rows);
  return { rows, answer: checkAnswer(said instanceof Promise ? await said : said, rows, serving.model) };
}

const listed = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
