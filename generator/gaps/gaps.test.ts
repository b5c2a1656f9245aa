import { describe, expect, it } from 'vitest';
import { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import { chooseGaps, type GapPatternName, gapPatterns } from './choose.ts';
import type { GapContext } from './pattern.ts';
import { silenceSteps } from './silence.ts';
import { riskUpTo } from './value.ts';

const fields = ['mostly zero', 'even', 'constant'];
const valuesAt = (n: number) => Float64Array.of(n % 5 === 0 ? n % 50 : 0, (n * 37) % 101, 4);
const sample = Array.from({ length: 5_050 }, (_, n) => valuesAt(n));
const source: GapContext['source'] = {
  fields,
  distribution: (field: number) => Float64Array.from(sample, (values) => values[field]!).sort(),
};

/** Readings of one device after another, masked: by reading, what is missing. */
function masked(name: GapPatternName, rate: number, { devices = 20, readings = 5_050, length = 10, seed = 1 } = {}) {
  const pattern = chooseGaps(name, { length, source });
  const random = new KeyedRandom();
  return Array.from({ length: devices }, (_, device) => {
    const masker = pattern.open();
    return Array.from({ length: readings }, (_, n) => {
      const values = valuesAt(n);
      masker.mask(values, n, rate, random.at(seed, device, n));
      return values;
    });
  });
}

const missing = (values: Float64Array) => values.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0);
const shareOf = (readings: readonly Float64Array[]) =>
  readings.reduce((sum, values) => sum + missing(values), 0) / (readings.length * fields.length);

describe.each(gapPatterns)('%s', (name) => {
  it.each([0, 0.05, 0.1, 0.3, 0.6, 0.95, 1])('keeps the rate %d in the long run', (rate) => {
    const share = shareOf(masked(name, rate).flat());
    if (rate === 0 || rate === 1) expect(share).toBe(rate);
    // 100,000 readings; the silences of a device make these the least independent.
    else expect(Math.abs(share - rate)).toBeLessThan(0.012);
  });

  it('is decided by seed, device and number of the reading', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => masked(name, 0.3, { devices: 2, readings: 100, seed }));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first![0]).not.toEqual(first![1]);
  });

  it('can be made again from the last multiple of its memory', () => {
    const pattern = chooseGaps(name, { length: 50, source });
    const random = new KeyedRandom();
    const whole = pattern.open();
    const part = pattern.open();
    const from = pattern.memory * 2;
    for (let n = 0; n < from + 300; n++) {
      const values = [valuesAt(n), valuesAt(n)];
      whole.mask(values[0]!, n, 0.4, random.at(1, 0, n));
      if (n < from) continue;
      part.mask(values[1]!, n, 0.4, random.at(1, 0, n));
      expect(values[1]).toEqual(values[0]);
    }
  });
});

/** Lengths of runs of gaps in one field of one device, without those that the end cuts. */
function runLengths(readings: readonly Float64Array[], field: number): number[] {
  const lengths: number[] = [];
  let run = 0;
  for (const values of readings) {
    if (Number.isNaN(values[field]!)) run += 1;
    else if (run > 0) {
      lengths.push(run);
      run = 0;
    }
  }
  return lengths;
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

it('bursts have a geometric length with the configured mean', () => {
  const devices = masked('burst', 0.2, { length: 8, readings: 20_000, devices: 10 });
  const lengths = devices.flatMap((readings) => [0, 1, 2].flatMap((field) => runLengths(readings, field)));
  expect(mean(lengths)).toBeGreaterThan(7.6);
  expect(mean(lengths)).toBeLessThan(8.4);
  // Without memory: of the bursts that last, as many last 8 more readings as lasted 8 from the beginning.
  const beyond = (from: number) => lengths.filter((length) => length > from).length;
  expect(beyond(8) / beyond(0)).toBeCloseTo((7 / 8) ** 8, 1);
  expect(beyond(16) / beyond(8)).toBeCloseTo((7 / 8) ** 8, 1);
});

it('bursts of one sensor are independent of the others, silence of a device is of all of them', () => {
  const bursts = masked('burst', 0.5, { devices: 5 }).flat();
  const both = bursts.filter((values) => Number.isNaN(values[0]!) && Number.isNaN(values[1]!)).length / bursts.length;
  expect(both).toBeCloseTo(0.25, 1);
  const silent = masked('device', 0.5, { devices: 5 }).flat();
  expect(new Set(silent.map(missing))).toEqual(new Set([0, 3]));
});

it('large values go missing first, equal ones alike', () => {
  const readings = masked('value', 0.1).flat();
  const shareWhere = (keep: (n: number) => boolean, field: number) => {
    const chosen = readings.filter((_, at) => keep(at % 5_050));
    return chosen.filter((values) => Number.isNaN(values[field]!)).length / chosen.length;
  };
  const upper = shareWhere((n) => valuesAt(n)[1]! > 75, 1);
  const lower = shareWhere((n) => valuesAt(n)[1]! <= 25, 1);
  expect(upper).toBeGreaterThan(0.25);
  expect(lower).toBeLessThan(0.005);
  expect(shareWhere(() => true, 2)).toBeCloseTo(0.1, 1);
});

it('the risk by rank adds up to the rate and never passes one', () => {
  for (const rate of [0, 0.1, 0.25, 0.26, 0.5, 0.9, 1]) {
    expect(riskUpTo(0, rate)).toBe(0);
    expect(riskUpTo(1, rate)).toBeCloseTo(rate, 12);
    for (let rank = 0; rank < 1; rank += 0.01) {
      const risk = (riskUpTo(rank + 0.01, rate) - riskUpTo(rank, rate)) / 0.01;
      expect(risk).toBeGreaterThanOrEqual(-1e-9);
      expect(risk).toBeLessThanOrEqual(1 + 1e-9);
    }
  }
});

it('silences lengthen where the rate leaves no room for short ones', () => {
  expect(silenceSteps(0.5, 10)).toEqual({ begins: 0.1, ends: 0.1 });
  const { begins, ends } = silenceSteps(0.95, 2);
  expect(begins).toBe(1);
  expect(begins / (begins + ends)).toBeCloseTo(0.95, 12);
});
