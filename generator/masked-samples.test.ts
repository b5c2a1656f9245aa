import { expect, test } from 'vitest';
import { maskedSamples } from './masked-samples.ts';
import type { Source } from './source.ts';

const rate = 10;
const simulate = ({ seed }: { readonly seed: number }): Source => ({
  fields: ['x', 'y'],
  samples: { count: rate, rate },
  devices: ['a', 'b'],
  round: Int32Array.from([0, 1]),
  length: Number.POSITIVE_INFINITY,
  fingerprint: `test ${seed}`,
  open(device) {
    let n = 0;
    return {
      next(values) {
        values.set([seed * 1_000 + n, device]);
        n += 1;
        return device === 0 ? 'low' : 'high';
      },
    };
  },
  distribution: () => new Float64Array(),
});
const options = { simulate, seeds: [1, 2], seconds: 100, meanBurst: 5 };

test('samples of all devices of all seeds stand one after the other, each at its time', () => {
  const { fields, count, values, labels, classes, devices, times } = maskedSamples({ ...options, share: 0 });
  expect([fields, count, classes]).toEqual([['x', 'y'], 4 * 100 * rate, ['high', 'low']]);
  expect(devices?.names).toHaveLength(4);
  expect([...values.subarray(0, 4)]).toEqual([1_000, 0, 1_001, 0]);
  const third = 2 * 100 * rate;
  expect([...values.subarray(2 * third, 2 * third + 4)]).toEqual([2_000, 0, 2_001, 0]);
  expect([times?.[third], times?.[third + 1]]).toEqual([0n, 100_000_000n]);
  expect([labels[0], labels[100 * rate]]).toEqual([1, 0]);
});

test('the wanted share of values is masked, in bursts, the same ones each time', () => {
  const masked = maskedSamples({ ...options, share: 0.3 });
  const gaps = masked.values.filter((value) => Number.isNaN(value)).length;
  expect(gaps / masked.values.length).toBeGreaterThan(0.2);
  expect(gaps / masked.values.length).toBeLessThan(0.4);
  expect(maskedSamples({ ...options, share: 0.3 }).values).toEqual(masked.values);
});

test('a source of single readings is refused', () => {
  const { samples: _, ...single } = simulate({ seed: 1 });
  expect(() => maskedSamples({ ...options, simulate: () => single, share: 0 })).toThrow('no source of samples');
});
