import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleOffsetNs } from '../core/wire/sample-offset.ts';
import { maxTimeNs, minTimeNs } from '../core/wire/time.ts';
import { sampleTimes } from './sample-times.ts';

const rates = fc.oneof(
  fc.constantFrom(250, 360, 44_100, 11, 1e6, 1e-6),
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
);

test('times of samples are those of their record and their place in it, to the nanosecond', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: minTimeNs, max: maxTimeNs }),
      rates,
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.integer({ min: 0, max: 50 }),
      (recordTime, rate, first, count) => {
        const times = new BigInt64Array(count);
        sampleTimes({ recordTime, rate, first, count }, times);
        const expected = Array.from(times, (_, index) =>
          BigInt.asIntN(64, recordTime + BigInt(sampleOffsetNs(first + index, rate))),
        );
        expect([...times]).toEqual(expected);
      },
    ),
    { numRuns: 1_000 },
  );
});
