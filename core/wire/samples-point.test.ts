import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleOffsetNs } from './sample-offset.ts';
import type { Samples } from './samples.ts';
import { samplesOfPoint, samplesToPoints } from './samples-point.ts';

const samplesOf = (more: Partial<Samples>): Samples => ({
  stream: 'motor',
  device: 'm1',
  time: '1700000000000000007',
  rate: 1_000,
  values: {},
  received: '1',
  ...more,
});

test('few samples a second are points as readings are', () => {
  const samples = samplesOf({ rate: 2, values: { t: [1, null, 3], u: [5] }, truth: 'ok' });
  expect(samplesToPoints(samples, 2).map(({ time, fields }) => ({ time, fields }))).toEqual([
    { time: '1700000000000000007', fields: { 'v.t': 1, 'v.u': 5, gaps: 0, truth: 'ok' } },
    { time: '1700000000500000007', fields: { gaps: 1, truth: 'ok' } },
    { time: '1700000001000000007', fields: { 'v.t': 3, gaps: 0, truth: 'ok' } },
  ]);
});

test('an array has gaps up to its end only, a field without one at each sample', () => {
  const gapsOf = (values: Samples['values']) =>
    samplesToPoints(samplesOf({ values }), 3).map(({ fields }) => fields.gaps);
  const x = new Array<number | null>(3_000).fill(1).fill(null, 10, 14).fill(null, 2_990);
  // A temperature that is measured once is whole; one that failed is one gap.
  expect(gapsOf({ x, t: [20], u: [] })).toEqual([4, 10]);
  expect(gapsOf({ x, t: [null], u: [] })).toEqual([5, 10]);
  expect(gapsOf({ x, t: [20] })).toEqual([2_004, 1_010]);
});

test('many samples are chunks, and read back as they were: every number and every time', () => {
  const column = fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { freq: 5 }), {
    minLength: 1,
    maxLength: 5_000,
    size: 'max',
  });
  const rate = fc.constantFrom(11, 1_000, 44_100, 333.3);
  fc.assert(
    fc.property(rate, column, column, (perSecond, x, y) => {
      const samples = samplesOf({ rate: perSecond, values: { x, y } });
      const points = samplesToPoints(samples, 3);
      const count = Math.max(x.length, y.length);
      expect(points).toHaveLength(Math.ceil(count / 2_000));
      let seen = 0;
      for (const point of points) {
        const chunk = samplesOfPoint(point, ['x', 'y', 'z']);
        if (chunk === undefined) throw new Error('a chunk was not read');
        expect(chunk).toMatchObject({ recordTime: samples.time, rate: perSecond, first: seen });
        for (const [name, sent] of Object.entries({ x, y }))
          for (let index = 0; index < chunk.count; index++) {
            const value = chunk.values.get(name)?.[index] ?? Number.NaN;
            // Text knows no negative zero.
            expect(value + 0).toBe((sent[seen + index] ?? Number.NaN) + 0);
          }
        seen += chunk.count;
      }
      expect(seen).toBe(count);
    }),
    { numRuns: 20 },
  );
});

test('a string of the longest numbers stays below 64 KB, and a chunk knows when it began', () => {
  const x = new Array<number>(4_000).fill(-1.234567890123457e-300);
  const points = samplesToPoints(samplesOf({ rate: 3_000, values: { x } }), 1);
  expect(points).toHaveLength(2);
  for (const { fields } of points) expect(String(fields['s.x']).length).toBeLessThan(64_000);
  expect(points[1]?.time).toBe(String(1_700_000_000_000_000_007n + BigInt(sampleOffsetNs(2_000, 3_000))));
});
