import { describe, expect, it } from 'vitest';
import { assembleModel, type Parts } from './assemble.ts';
import { fitImputer, openImputer } from './impute/fitted.ts';
import type { Estimator } from './kinds/estimator.ts';
import { fitNeighbours, Neighbours } from './neighbours/neighbours.ts';
import { sampleOf } from './testing.ts';

const rows = sampleOf(3);
const gapsOf = (row: number) =>
  rows.values.subarray(row * 3, row * 3 + 3).reduce((sum, value) => sum + (Number.isNaN(value) ? 1 : 0), 0);

/** Predicts "second" with the logistic function of the sum of a row, and keeps its inputs. */
function logistic(inputs: { values: Float64Array; count: number }[] = [], later = false): Estimator {
  const estimate = (values: Float64Array, count: number) => {
    inputs.push({ values, count });
    const width = values.length / count;
    const probabilities = new Float64Array(count * 2);
    const labels = new Int32Array(count);
    for (let row = 0; row < count; row++) {
      const sum = values.subarray(row * width, (row + 1) * width).reduce((all, value) => all + value, 0);
      const second = 1 / (1 + Math.exp((15 - sum) / 4));
      probabilities.set([1 - second, second], row * 2);
      labels[row] = second > 0.5 ? 1 : 0;
    }
    return { labels, probabilities };
  };
  return {
    predict: (values, count) => (later ? Promise.resolve(estimate(values, count)) : estimate(values, count)),
    async close() {},
  };
}

const modelOf = (parts: Partial<Parts> = {}) =>
  assembleModel({
    identity: { name: 'm', version: 1 },
    fields: ['a', 'b', 'c'],
    classes: ['first', 'second'],
    imputer: openImputer(fitImputer(rows, { kind: 'mean' })),
    estimator: logistic(),
    ...parts,
  });

const drawing = (draws: number) => openImputer(fitImputer(rows, { kind: 'gaussian', transform: 'none', draws }));

it('predicts the same whether its estimator does at once or later', async () => {
  for (const imputer of [drawing(0), drawing(4)]) {
    const [now, later] = await Promise.all(
      [false, true].map((wait) =>
        modelOf({ imputer, estimator: logistic([], wait) })
          .open()
          .predict(rows),
      ),
    );
    expect(later).toEqual(now);
  }
});

it('gives its estimator missing indicators', async () => {
  const inputs: { values: Float64Array; count: number }[] = [];
  const { filled } = await modelOf({ indicators: true, estimator: logistic(inputs) })
    .open()
    .predict(rows);
  for (let row = 0; row < rows.count; row++) {
    const wide = inputs[0]!.values.subarray(row * 6, row * 6 + 6);
    expect(wide.subarray(0, 3)).toEqual(filled.subarray(row * 3, row * 3 + 3));
    for (let column = 0; column < 3; column++) {
      expect(wide[3 + column]).toBe(Number.isNaN(rows.values[row * 3 + column]!) ? 1 : 0);
    }
  }
});

describe('a limit of gaps', () => {
  it.each([0, 1, 2, 3])('of %i gives no label to rows with more, and leaves the others alone', async (maxGaps) => {
    const free = await modelOf().open().predict(rows);
    const limited = await modelOf({ maxGaps }).open().predict(rows);
    for (let row = 0; row < rows.count; row++) {
      expect(limited.labels[row]).toBe(gapsOf(row) > maxGaps ? -1 : free.labels[row]);
    }
    expect(limited.probabilities).toEqual(free.probabilities);
  });
});

describe('multiple imputation', () => {
  it('averages what the estimator predicts for each completion', async () => {
    const inputs: { values: Float64Array; count: number }[] = [];
    const imputer = drawing(6);
    const estimator = logistic(inputs);
    const output = await modelOf({ imputer, estimator }).open().predict(rows);
    const gappy = Array.from({ length: rows.count }, (_, row) => row).filter((row) => gapsOf(row) > 0);
    expect(inputs.map(({ count }) => count)).toEqual([rows.count + gappy.length * 5]);
    const session = imputer.open();
    const draws = Array.from({ length: 6 }, (_, number) => {
      const into = new Float64Array(rows.values.length);
      session.draw(rows, number, into);
      return into;
    });
    const estimates = await Promise.all(draws.map((values) => estimator.predict(values, rows.count)));
    for (let row = 0; row < rows.count; row++) {
      const shares = estimates.map(({ probabilities }) => probabilities[row * 2 + 1]!);
      const mean = shares.reduce((sum, each) => sum + each, 0) / 6;
      expect(output.probabilities[row * 2 + 1]).toBeCloseTo(mean, 12);
      expect(output.labels[row]).toBe(mean > 0.5 ? 1 : 0);
      const spread = shares.reduce((sum, each) => sum + Math.abs(each - mean), 0) / 6;
      expect(output.sensitivity![row]).toBeCloseTo(spread, 12);
    }
  });

  it('knows that nothing depends on what was filled where nothing was', async () => {
    const { sensitivity } = await modelOf({ imputer: drawing(6) })
      .open()
      .predict(rows);
    for (let row = 0; row < rows.count; row++) {
      if (gapsOf(row) === 0) expect(sensitivity![row]).toBe(0);
      else expect(sensitivity![row]).toBeGreaterThan(0);
      expect(sensitivity![row]).toBeLessThan(1);
    }
  });

  it('shows the likeliest values as filled, and goes with indicators and a limit of gaps', async () => {
    const inputs: { values: Float64Array; count: number }[] = [];
    const parts = { imputer: drawing(4), indicators: true, maxGaps: 1, estimator: logistic(inputs) };
    const output = await modelOf(parts).open().predict(rows);
    const { filled } = await modelOf({ imputer: drawing(0) })
      .open()
      .predict(rows);
    expect(output.filled).toEqual(filled);
    expect(inputs[0]!.values.length).toBe(inputs[0]!.count * 6);
    for (let row = 0; row < rows.count; row++) if (gapsOf(row) > 1) expect(output.labels[row]).toBe(-1);
  });
});

describe('neighbours', () => {
  const labels = Int32Array.from({ length: rows.count }, (_, row) => row % 2);
  const table = { count: rows.count, width: 3, values: rows.values.map((value) => (Number.isNaN(value) ? 5 : value)) };
  const fitted = fitNeighbours({ rows: table, copies: [rows.values], labels, classes: 2, steps: 5 });
  const references = async () => new Neighbours(await fitted);

  it.each([0.2, 0.5, 1])('have a weight of %d, and more where much is missing', async (share) => {
    const alone = await modelOf().open().predict(rows);
    const both = await modelOf({ neighbours: { share, references: await references() } })
      .open()
      .predict(rows);
    // They see what was measured, not what was filled.
    const votes = (await references()).vote(rows.values, rows.count);
    for (let row = 0; row < rows.count; row++) {
      const trust = (1 - share) * (1 - gapsOf(row) / 3) ** 2;
      const weight = share / (share + trust);
      const second = (1 - weight) * alone.probabilities[row * 2 + 1]! + weight * votes[row * 2 + 1]!;
      expect(both.probabilities[row * 2 + 1]).toBeCloseTo(second, 12);
      expect(both.probabilities[row * 2]).toBeCloseTo(1 - second, 12);
      expect(both.labels[row]).toBe(second > 0.5 ? 1 : 0);
    }
    expect(both.labels).not.toEqual(alone.labels);
    expect(both.filled).toEqual(alone.filled);
    expect(both.sensitivity).toBeUndefined();
  });

  it('do not care what was filled, which therefore matters less', async () => {
    const imputer = drawing(6);
    const alone = await modelOf({ imputer }).open().predict(rows);
    const share = 0.3;
    const both = await modelOf({ imputer, neighbours: { share, references: await references() } })
      .open()
      .predict(rows);
    for (let row = 0; row < rows.count; row++) {
      const trust = (1 - share) * (1 - gapsOf(row) / 3) ** 2;
      expect(both.sensitivity![row]).toBeCloseTo((alone.sensitivity![row]! * trust) / (trust + share), 12);
    }
    expect(both.sensitivity!.some((each) => each > 0)).toBe(true);
  });

  it('vote beside an estimator that predicts later, and leave a limit of gaps alone', async () => {
    const parts = { neighbours: { share: 0.5, references: await references() }, maxGaps: 0 };
    const now = await modelOf(parts).open().predict(rows);
    expect(
      await modelOf({ ...parts, estimator: logistic([], true) })
        .open()
        .predict(rows),
    ).toEqual(now);
    for (let row = 0; row < rows.count; row++) expect(now.labels[row] === -1).toBe(gapsOf(row) > 0);
  });
});
