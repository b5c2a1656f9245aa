import { describe, expect, test } from 'vitest';
import { histogramsOf } from '../core/model/histogram.ts';
import { Drift, stabilityIndex } from './drift.ts';

const width = 3;
/** Rows of two spread columns and a constant one; `shift` moves the second. */
function rowsOf(count: number, { shift = 0, from = 0, gap = false } = {}) {
  const values = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    const n = row + from;
    values.set([(n * 37) % 101, gap ? Number.NaN : ((n * 53) % 97) + shift, 4], row * width);
  }
  return { count, width, values, devices: [], times: new BigInt64Array(count) };
}

const fields = ['a', 'b', 'constant'];
const trained = histogramsOf(rowsOf(9_797));
const driftOf = () => new Drift({ fields }, trained, 0.2);

/** Shows rows in batches of 100. */
function show(drift: Drift, count: number, options: Parameters<typeof rowsOf>[1] = {}): Drift {
  for (let from = 0; from < count; from += 100) drift.add(rowsOf(100, { ...options, from }));
  return drift;
}

test('nothing is reported of a few readings', () => {
  expect(show(driftOf(), 400).summary()).toBeUndefined();
});

test('the same population is stable and within range', () => {
  const summary = show(driftOf(), 5_000).summary()!;
  expect(summary).toMatchObject({ outside: 0, drifted: 0, threshold: 0.2 });
  expect(summary.psi).toBeLessThan(0.02);
});

test('a field that moved is named, with the share outside of its range', () => {
  const summary = show(driftOf(), 5_000, { shift: 48 }).summary()!;
  expect(summary.fields[0]!.name).toBe('b');
  expect(summary.fields[0]!.psi).toBe(summary.psi);
  expect(summary.psi).toBeGreaterThan(0.25);
  expect(summary.drifted).toBe(1);
  expect(summary.fields[0]!.outside).toBeCloseTo(48 / 97, 2);
  expect(summary.outside).toBeCloseTo(48 / 97, 2);
});

test('the past is forgotten', () => {
  const drift = show(driftOf(), 20_000, { shift: 48 });
  expect(drift.summary()!.drifted).toBe(1);
  show(drift, 20_000);
  expect(drift.summary()!).toMatchObject({ drifted: 0, outside: 0 });
  expect(drift.summary()!.readings).toBeLessThanOrEqual(10_000);
});

test('gaps are no values', () => {
  const summary = show(driftOf(), 5_000, { gap: true }).summary()!;
  expect(summary.fields.map(({ name }) => name).toSorted()).toEqual(['a', 'constant']);
});

test('large batches are sampled', () => {
  const drift = driftOf();
  drift.add(rowsOf(5_000, { shift: 48 }));
  drift.add(rowsOf(5_000, { shift: 48 }));
  expect(drift.summary()!.readings).toBe(500);
  expect(drift.summary()!.drifted).toBe(1);
});

describe('of long series', () => {
  const length = 1_000;
  const series = { channels: ['x'], length };
  /** Waves of which a period is as long as samples are apart that are counted; `outlier` lifts one sample of each. */
  function windowsOf(count: number, { from = 0, outlier = 0, gain = 1 } = {}) {
    const values = Float64Array.from({ length: count * length }, (_, at) => {
      const row = Math.floor(at / length) + from;
      const lifted = at % length === (row * 38) % length ? outlier : 0;
      return gain * Math.sin((2 * Math.PI * at) / 16) + ((row * 37) % 101) / 100 + lifted;
    });
    return { count, width: length, values, devices: [], times: new BigInt64Array(count) };
  }
  const known = histogramsOf(windowsOf(500), length);
  function shown(options: Parameters<typeof windowsOf>[1]) {
    const drift = new Drift({ fields: [], series }, known, 0.2);
    for (let from = 0; from < 1_000; from += 100) drift.add(windowsOf(100, { ...options, from }));
    return drift.summary()!;
  }

  test('the same waves are stable, though not all samples are counted', () => {
    expect(shown({})).toMatchObject({ readings: 1_000, outside: 0, drifted: 0 });
    expect(shown({}).psi).toBeLessThan(0.001);
  });

  test('waves of another height drift', () => {
    const { drifted, fields: found } = shown({ gain: 0.5 });
    expect({ drifted, name: found[0]!.name }).toEqual({ drifted: 1, name: 'x' });
  });

  test('one sample beyond the range makes a window one that is outside', () => {
    const { outside, fields: found } = shown({ outlier: 10 });
    expect(outside).toBe(1);
    expect(found[0]!.outside).toBeCloseTo(1 / length, 3);
  });
});

test('the index is that of the formula, and an empty bin is no infinity', () => {
  // (0.6 - 0.5) ln(0.6/0.5) + (0.4 - 0.5) ln(0.4/0.5), but for the half counts.
  expect(stabilityIndex([50_000, 50_000], [60_000, 40_000])).toBeCloseTo(0.040547, 4);
  expect(stabilityIndex([10, 20, 30], [10, 20, 30])).toBe(0);
  expect(stabilityIndex([10, 0], [0, 10])).toBeLessThan(10);
});
