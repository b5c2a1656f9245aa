import { elementAt } from '../numeric/element.ts';
import { GaplineError } from '../wire/errors.ts';
import type { SelfTest } from './manifest.ts';
import type { Model, ModelOutput } from './model.ts';
import type { Rows } from './rows.ts';

/** Probabilities may differ by this much from those that were written down. */
const tolerance = 1e-6;

/** Rows of a self-test: each by a device of its own, all at one time. */
function rowsOf(values: readonly (readonly (number | null)[])[], width: number): Rows {
  return {
    count: values.length,
    width,
    values: Float64Array.from(values.flat(), (value) => value ?? Number.NaN),
    devices: values.map((_, row) => `self-test ${row}`),
    times: new BigInt64Array(values.length),
  };
}

/** Predicts rows, and writes down the output. */
export async function writeSelfTest(model: Model, values: (number | null)[][]): Promise<SelfTest> {
  const { labels, probabilities } = await model.open().predict(rowsOf(values, model.fields.length));
  const classes = model.classes.length;
  return {
    values,
    labels: [...labels],
    probabilities: values.map((_, row) => [...probabilities.subarray(row * classes, (row + 1) * classes)]),
  };
}

/**
 * Predicts the rows again, in several sizes of batch, which also warms the model up before it serves.
 * @throws {GaplineError} `model-invalid` where the output is not the one that was written down.
 */
export async function runSelfTest(model: Model, expected: SelfTest): Promise<void> {
  const { values } = expected;
  if (values.length === 0) return;
  const session = model.open();
  const repeated = Array.from({ length: 512 }, (_, row) => elementAt(values, row % values.length));
  for (const rows of [...values.map((row) => [row]), values, repeated]) {
    const first = rows.length === 1 ? values.indexOf(elementAt(rows, 0)) : 0;
    const output = await session.predict(rowsOf(rows, model.fields.length));
    compare(output, expected, first, rows.length, model);
  }
}

function compare(output: ModelOutput, expected: SelfTest, first: number, count: number, { classes }: Model): void {
  for (let row = 0; row < count; row++) {
    const tested = (first + row) % expected.values.length;
    const wanted = elementAt(expected.probabilities, tested);
    const same =
      output.labels[row] === expected.labels[tested] &&
      wanted.every(
        (share, index) => Math.abs(elementAt(output.probabilities, row * classes.length + index) - share) <= tolerance,
      );
    if (same) continue;
    const given = [...output.probabilities.subarray(row * classes.length, (row + 1) * classes.length)];
    const detail = `its output for self-test row ${tested} is ${listed(given)} instead of ${listed(wanted)}`;
    throw new GaplineError('model-invalid', detail, { retryable: false });
  }
}

const listed = (shares: readonly number[]): string =>
  shares
    .slice(0, 5)
    .map((share) => share.toFixed(4))
    .join(', ');
