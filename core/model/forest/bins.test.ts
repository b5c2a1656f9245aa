import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedMemory } from '../../numeric/arena.ts';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { binColumns, columnBytes, columnShape } from './bins.ts';

function bin(values: number[], labels: number[], classes: number) {
  const shape = columnShape(values.length, 1, classes);
  return binColumns(sharedMemory(columnBytes(shape)), shape, Float64Array.from(values), Int32Array.from(labels));
}

describe('binColumns', () => {
  const cell = fc.oneof(
    fc.integer({ min: -4, max: 4 }),
    fc.constantFrom(-0, Number.NaN),
    fc.double({ noDefaultInfinity: true }),
  );
  const anyColumn = fc.array(fc.record({ value: cell, label: fc.nat({ max: 4 }) }), { minLength: 1, maxLength: 600 });

  it('keeps the order of values, keeps few distinct ones apart, and knows each bin by its ends', () => {
    fc.assert(
      fc.property(anyColumn, (rows) => {
        const values = rows.map(({ value }) => value);
        const columns = bin(
          values,
          rows.map(({ label }) => label),
          5,
        );
        const known = [...new Set(values.filter((value) => !Number.isNaN(value)))].sort((a, b) => a - b);
        const binOf = (row: number) => columns.codes[row]! >> columns.shift;
        for (const [row, { value, label }] of rows.entries()) {
          expect(columns.codes[row]! & 7).toBe(label);
          expect(columns.rowCodes[row]).toBe(columns.codes[row]);
          if (Number.isNaN(value)) expect(binOf(row)).toBe(columns.gapBin);
          else if (known.length <= columns.gapBin) expect(binOf(row)).toBe(known.indexOf(value));
          else expect(binOf(row)).toBeLessThan(columns.gapBin);
          if (Number.isNaN(value)) continue;
          expect(value).toBeGreaterThanOrEqual(columns.lowest[binOf(row)]!);
          expect(value).toBeLessThanOrEqual(columns.highest[binOf(row)]!);
        }
        const ordered = rows.map((_, row) => row).filter((row) => !Number.isNaN(values[row]));
        ordered.sort((a, b) => values[a]! - values[b]!);
        for (const [at, row] of ordered.entries())
          if (at > 0) expect(binOf(row)).toBeGreaterThanOrEqual(binOf(ordered[at - 1]!));
        expect(columns.gaps[0]).toBe(values.some(Number.isNaN) ? 1 : 0);
      }),
    );
  });

  it('fills the bins about evenly where there are many values, and leaves a common value to itself', () => {
    const random = new Xoshiro128PlusPlus(3);
    const values = Array.from({ length: 60_000 }, () => (random.fraction() < 0.3 ? 0 : random.fraction() ** 3 - 0.1));
    const { codes, gapBin, lowest, highest } = bin(
      values,
      values.map(() => 0),
      1,
    );
    const rows = new Array<number>(gapBin).fill(0);
    for (const code of codes) rows[code]!++;
    const common = rows.indexOf(Math.max(...rows));
    expect([lowest[common], highest[common]]).toEqual([0, 0]);
    const share = (60_000 * 0.7) / 254;
    for (const [at, held] of rows.entries()) {
      if (at !== common) expect(held).toBeLessThan(share * 3);
    }
    expect(rows.filter((held) => held > 0).length).toBeGreaterThan(240);
  });

  it('leaves fewer bins to more classes', () => {
    expect(columnShape(1, 1, 2)).toMatchObject({ shift: 1, gapBin: 255 });
    expect(columnShape(1, 1, 256)).toMatchObject({ shift: 8, gapBin: 255 });
    expect(columnShape(1, 1, 1000)).toMatchObject({ shift: 10, gapBin: 63 });
  });
});
