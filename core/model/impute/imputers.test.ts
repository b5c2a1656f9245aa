import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rows, Table } from '../rows.ts';
import { partOf } from '../testing.ts';
import { fitImputer, fittedImputerSchema, type ImputerSpec, openImputer, testedImputers } from './fitted.ts';
import type { Imputer } from './imputer.ts';

/** Every imputer there is. Each must hold every property below: no exemptions. */
const specs = testedImputers;

const cell = fc.oneof(
  { arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }), weight: 3 },
  { arbitrary: fc.integer({ min: -2, max: 2 }), weight: 2 },
  { arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }), weight: 1 },
  { arbitrary: fc.constant(Number.NaN), weight: 3 },
);
const matrix = (width: number, maxRows: number) =>
  fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: maxRows });

const tableOf = (rows: number[][]): Table => ({
  count: rows.length,
  width: rows[0]!.length,
  values: Float64Array.from(rows.flat()),
});

/** Rows of three devices whose times mostly grow; some arrive late, some at once. */
const rowsOf = (values: number[][], seed: number): Rows => ({
  ...tableOf(values),
  devices: values.map((_, row) => `device ${(row * 7 + seed) % 3}`),
  times: BigInt64Array.from(values, (_, row) => BigInt(row * 400 + ((row * seed) % 5) * 300) * 1_000_000n),
});

const cases = fc
  .integer({ min: 1, max: 5 })
  .chain((width) => fc.record({ train: matrix(width, 30), serve: matrix(width, 12), seed: fc.nat(20) }));
type Case = { train: number[][]; serve: number[][]; seed: number };

/** Runs a property on a fitted imputer, a past to remember, and rows to fill. */
function holds(spec: ImputerSpec, property: (imputer: Imputer, past: Rows, rows: Rows, table: Table) => void): void {
  fc.assert(
    fc.property(cases, ({ train, serve, seed }: Case) => {
      const table = tableOf(train);
      property(openImputer(fitImputer(table, spec)), rowsOf(train, seed), rowsOf(serve, seed + 1), table);
    }),
    { numRuns: 60 },
  );
}

/** Every completion that an imputer gives of rows: the best one, then each draw. */
function completions(imputer: Imputer, past: Rows, rows: Rows): Float64Array[] {
  const session = imputer.open();
  session.warm(past);
  return Array.from({ length: imputer.draws + 1 }, (_, number) => {
    const into = new Float64Array(rows.values.length);
    if (number === 0) session.fill(rows, into);
    else session.draw(rows, number - 1, into);
    return into;
  });
}

describe.each(specs)('imputer %o', (spec) => {
  it('leaves no gap, keeps what was measured, and stays finite', () => {
    holds(spec, (imputer, past, rows) => {
      for (const filled of completions(imputer, past, rows)) {
        expect(filled.every(Number.isFinite)).toBe(true);
        rows.values.forEach((value, at) => {
          if (!Number.isNaN(value)) expect(filled[at]).toBe(value);
        });
      }
    });
  });

  it('is pure: neither rows nor memory change until the batch is committed', () => {
    holds(spec, (imputer, past, rows) => {
      const before = rows.values.slice();
      const session = imputer.open();
      session.warm(past);
      const [first, second] = [0, 1].map(() => {
        const into = new Float64Array(rows.values.length);
        session.fill(rows, into);
        return into;
      });
      expect(second).toEqual(first);
      expect(rows.values).toEqual(before);
    });
  });

  it('does not depend on how rows are cut into batches', () => {
    holds(spec, (imputer, past, rows) => {
      const whole = completions(imputer, past, rows)[0]!;
      const cut = rows.count >> 1;
      const session = imputer.open();
      session.warm(past);
      const pieces = [partOf(rows, 0, cut), partOf(rows, cut, rows.count)].map((piece) => {
        const into = new Float64Array(piece.values.length);
        session.fill(piece, into)?.();
        return into;
      });
      expect(Float64Array.from(pieces.flatMap((piece) => [...piece]))).toEqual(whole);
    });
  });

  it('remembers the same from rows that were labelled and from rows of the past', () => {
    holds(spec, (imputer, past, rows) => {
      const warmed = completions(imputer, past, rows);
      const session = imputer.open();
      session.fill(past, new Float64Array(past.values.length))?.();
      const into = new Float64Array(rows.values.length);
      session.fill(rows, into);
      expect(into).toEqual(warmed[0]);
    });
  });

  it("is not touched by other devices' rows", () => {
    holds(spec, (imputer, past, rows) => {
      const mine = { ...rows, devices: rows.devices.map(() => 'a device never heard of') };
      const [alone] = completions(imputer, { ...past, count: 0 }, mine);
      const [among] = completions(imputer, past, mine);
      expect(among).toEqual(alone);
    });
  });

  it('is the same when fitted again, and when written and read', () => {
    holds(spec, (imputer, past, rows, table) => {
      const fitted = fitImputer(table, spec);
      expect(fitImputer(table, spec)).toEqual(fitted);
      const read = fittedImputerSchema.parse(JSON.parse(JSON.stringify(fitted)));
      expect(read).toEqual(fitted);
      expect(completions(openImputer(read), past, rows)).toEqual(completions(imputer, past, rows));
    });
  });
});
