import { expect, it } from 'vitest';
import { fitImputer, type ImputerSpec, openImputer } from './fitted.ts';
import fixture from './fixtures/simple.json' with { type: 'json' };

const specOf = (kind: string): ImputerSpec =>
  kind === 'constant' ? { kind, value: -1.5 } : { kind: kind as 'mean' | 'median' | 'most_frequent' };

it.each(fixture.cases)('fills as scikit-learn does: $kind, $name', ({ kind, rows, filled }) => {
  const [count, width] = [rows.length, rows[0]!.length];
  const values = Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
  const imputer = openImputer(fitImputer({ count, width, values }, specOf(kind)));
  const into = new Float64Array(values.length);
  const devices = rows.map(() => 'd');
  imputer.open().fill({ count, width, values, devices, times: new BigInt64Array(count) }, into);
  filled.flat().forEach((expected, at) => {
    expect(Math.abs(into[at]! - expected!)).toBeLessThanOrEqual(1e-12 * Math.abs(expected!));
  });
});
