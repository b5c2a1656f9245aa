import { expect, test } from 'vitest';
import type { Taper } from '../../numeric/taper.ts';
import spectra from '../fixtures/spectrum.json' with { type: 'json' };
import statistics from '../fixtures/statistics.json' with { type: 'json' };
import type { StepSpec } from '../registry.ts';
import { ms, runAll, type Sample } from '../testing/run.ts';

/** Samples of one window of a second or less from a whole second on, and one of the next window that closes it. */
const windowOf = (values: readonly (number | null)[], periodMs: number, lengthMs: number): Sample[] =>
  [...values, 0].map((value, at) => ({
    device: 'a',
    ns: ms(at < values.length ? at * periodMs : lengthMs),
    values: [value ?? Number.NaN],
  }));

/** The features of the first window, by name. */
function featuresOf(specs: readonly StepSpec[], samples: readonly Sample[]): Record<string, number> {
  const { rows, channels } = runAll(specs, ['x'], samples);
  return Object.fromEntries(channels.map((name, column) => [name.slice(2), rows[0]!.values[column]!]));
}

function expectClose(given: number | undefined, wanted: number | null, what: string): void {
  if (wanted === null) expect(given, what).toBeNaN();
  else expect(Math.abs(given! - wanted) / Math.max(1, Math.abs(wanted)), what).toBeLessThan(1e-9);
}

test.each(statistics.cases)('numpy and scipy.stats: $values', ({ values, ...wanted }) => {
  const step: StepSpec = { use: 'statistics', quantiles: [0.05, 0.5, 0.9] };
  const given = featuresOf([{ use: 'window', length: '1s' }, step], windowOf(values, 10, 1_000));
  expect(Object.keys(given).sort()).toEqual(Object.keys(wanted).sort());
  for (const [name, value] of Object.entries(wanted)) expectClose(given[name], value, name);
});

test.each(spectra.cases)('scipy.signal.periodogram: $values.length samples, $taper', (wanted) => {
  const { values } = wanted;
  const lengthMs = (values.length * 1_000) / spectra.rate;
  const bands: [number, number][] = [
    [0, 10],
    [10, 20],
    [20, 50],
  ];
  const step: StepSpec = { use: 'spectrum', bands, taper: wanted.taper as Taper };
  const cut: StepSpec = { use: 'window', length: `${lengthMs}ms`, rate: spectra.rate };
  const given = featuresOf([cut, step], windowOf(values, 1_000 / spectra.rate, lengthMs));
  bands.forEach(([from, to], at) => {
    expectClose(given[`band.${from}-${to}`], wanted.bands[at]!, `band ${from}`);
  });
  for (const name of ['peak', 'centroid', 'entropy'] as const) expectClose(given[name], wanted[name], name);
});

const tone = (at: number) => 5 + Math.sin((2 * Math.PI * 12 * at) / 100);
const second: StepSpec = { use: 'window', length: '1s', rate: 100 };

test.each(['missing values', 'missing rows'])(
  'a spectrum with a gap still tells its tone and its power: %s',
  (kind) => {
    const whole = Array.from({ length: 100 }, (_, at) => tone(at));
    const samples = windowOf(whole, 10, 1_000)
      .map((sample, at) => (at >= 30 && at < 55 ? { ...sample, values: [Number.NaN] } : sample))
      .filter((_, at) => kind === 'missing values' || at < 30 || at >= 55);
    const step: StepSpec = { use: 'spectrum', bands: [[5, 20]] };
    const given = featuresOf([second, step], samples);
    expect(given.peak).toBe(12);
    // A sine of amplitude one has a power of a half; the gap smears some of it.
    expect(given['band.5-20']).toBeGreaterThan(0.4);
    expect(given['band.5-20']).toBeLessThan(0.6);
  },
);

test('a constant has no shape and no frequency', () => {
  const given = featuresOf(
    [second, { use: 'statistics' }, { use: 'spectrum' }],
    windowOf(new Array(100).fill(0.1), 10, 1_000),
  );
  for (const name of ['skewness', 'kurtosis', 'peak', 'centroid', 'entropy']) expect(given[name], name).toBeNaN();
  expect(given.std).toBeLessThan(1e-15);
});

test('below minSamples every feature is a gap', () => {
  const holed = windowOf([1, null, 2, null], 10, 1_000);
  const steps: StepSpec[] = [
    { use: 'statistics', minSamples: 3 },
    { use: 'spectrum', minSamples: 3 },
    { use: 'lags', lags: [0, 1], minSamples: 3 },
  ];
  for (const value of Object.values(featuresOf([second, ...steps], holed))) expect(value).toBeNaN();
});

test('a spectrum needs half a window unless told otherwise', () => {
  const half = (count: number) =>
    featuresOf(
      [second, { use: 'spectrum', features: ['peak'] }],
      windowOf(
        Array.from({ length: count }, (_, at) => tone(at)),
        10,
        1_000,
      ),
    );
  expect(half(49).peak).toBeNaN();
  expect(half(50).peak).toBeCloseTo(12, -1);
});

test('lags of a window are its last samples; of rows, those before', () => {
  const given = featuresOf(
    [second, { use: 'lags', lags: [0, 1, 3], maxAge: '15ms' }],
    windowOf([1, 2, 3, 4], 10, 1_000),
  );
  expect(given).toEqual({ lag0: 4, lag1: 3, lag3: Number.NaN });
  const { rows, channels, skips } = runAll(
    [{ use: 'lags', lags: [1, 2], maxAge: '25ms' }],
    ['x'],
    [0, 10, 20, 15, 60].map((at): Sample => ({ device: 'a', ns: ms(at), values: [at] })),
  );
  expect(channels).toEqual(['x', 'x.lag1', 'x.lag2']);
  expect(rows.map((row) => row.values)).toEqual([
    [0, Number.NaN, Number.NaN],
    [10, 0, Number.NaN],
    [20, 10, 0],
    [60, Number.NaN, Number.NaN],
  ]);
  expect(skips).toEqual(['lags late a 15000000 3']);
});

test.each([
  [[{ use: 'statistics' }], 'steps.0 (statistics): it works on windows; put a window step before it'],
  [[{ use: 'window', length: '1s' }], 'steps: nothing follows the window'],
  [[{ use: 'window', length: '1s' }, { use: 'spectrum' }], 'steps.1 (spectrum): rate: it is missing'],
  [[second, { use: 'statistics' }, { use: 'statistics' }], 'the column "x.mean" is there already'],
  [[second, { use: 'smooth', time: '1s' }], 'steps.1 (smooth): it works on samples, so it goes before the window'],
  [[second, { use: 'spectrum', bands: [[60, 70]] }], 'bands: [60, 70] is empty, or above half the rate, 50 Hz'],
])('%j is refused', (specs, message) => {
  expect(() => runAll(specs as StepSpec[], ['x'], [])).toThrow(message);
});
