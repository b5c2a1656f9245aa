import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildChain } from './chain.ts';
import { InputRows } from './input.ts';
import { endsSegment, noTruth } from './port.ts';
import { copied } from './testing/run.ts';
import { floorTo, formatTime, nsOf, parseTime, shift, timeOf } from './time.ts';

test('a record of many samples gives the rows that as many records of one give', () => {
  const rate = 3;
  const values = [
    [1, null, 3, 4],
    [5, 6, 7, 8],
  ];
  const many = new InputRows(3);
  many.begin();
  const record = { device: 'a', time: { seconds: 1, nanoseconds: 900_000_000 }, truth: 2, segment: endsSegment };
  many.addSamples(record, rate, 4, [...values, undefined]);
  const typed = new InputRows(3);
  typed.begin();
  const gapped = values.map((column) => Float64Array.from([...column, 9], (value) => value ?? Number.NaN));
  typed.addSamples(record, rate, 4, [...gapped, undefined]);
  expect(copied(typed.rows())).toEqual(copied(many.rows()));
  expect(copied(many.rows())).toEqual(
    ['1900000000', '2233333333', '2566666666', '2900000000'].map((ns, at) => ({
      device: 'a',
      ns,
      values: [values[0]![at] ?? Number.NaN, values[1]![at], Number.NaN],
      truth: 2,
      segment: at === 3 ? endsSegment : 0,
      input: 0,
    })),
  );
});

test('inputs count records, those without rows too; a batch forgets the one before', () => {
  const input = new InputRows(1);
  for (const device of ['b', 'c']) {
    input.begin();
    input.skipRecord();
    input.addSample({ device, time: { seconds: 0, nanoseconds: 1 } }, [7]);
    input.skipRecord();
    input.addSamples({ device: 'a', time: { seconds: 5, nanoseconds: 0 }, received: timeOf(9n) }, 10, 2, [[1, 2]]);
    const rows = input.rows();
    expect(copied(rows).map((row) => [row.device, row.input, row.truth])).toEqual([
      [device, 1, noTruth],
      ['a', 3, noTruth],
      ['a', 3, noTruth],
    ]);
    expect(rows.names).toEqual([device, 'a']);
    expect(rows.received!.nanoseconds[3]).toBe(9);
  }
});

test('what is latest is known by device, and how far records are ahead of their arrival', () => {
  const input = new InputRows(1);
  for (const truth of [1, 2]) {
    input.begin();
    const received = { seconds: 8, nanoseconds: 0 };
    input.addSample({ device: 'b', time: { seconds: 9, nanoseconds: 3 }, truth }, [7]);
    input.addSamples({ device: 'a', time: { seconds: 5, nanoseconds: 0 }, received }, 10, 15, [new Float64Array(15)]);
    expect(input.rows().received!.leadNs).toBe(-1_600_000_000);
    input.addSample({ device: 'a', time: { seconds: 6, nanoseconds: 4e8 - 1 }, received }, [7]);
    input.addSample({ device: 'b', time: { seconds: 9, nanoseconds: 4 }, received }, [7]);
    const { latest, received: arrived } = input.rows();
    expect(latest).toEqual([
      { seconds: 9, nanoseconds: 4 },
      { seconds: 6, nanoseconds: 4e8 },
    ]);
    expect(arrived!.leadNs).toBe(1_000_000_004);
  }
});

test('a chain takes records of a second at once as it takes their samples one by one', () => {
  const chain = buildChain(
    [
      { use: 'resample', rate: 50, maxGap: '100ms' },
      { use: 'filter', band: 'lowpass', high: 10, order: 2 },
      { use: 'window', length: '1s' },
      { use: 'spectrum' },
    ],
    ['x'],
  );
  const wave = Array.from({ length: 250 }, (_, at) => (at % 41 === 0 ? null : Math.sin(at / 3)));
  const blocks = new InputRows(1);
  const singles = new InputRows(1);
  blocks.begin();
  singles.begin();
  for (let second = 0; second < 5; second++)
    blocks.addSamples({ device: 'a', time: { seconds: second, nanoseconds: 0 } }, 50, 50, [
      wave.slice(second * 50, second * 50 + 50),
    ]);
  wave.forEach((value, at) => {
    const time = timeOf(BigInt(at) * 20_000_000n);
    singles.addSample({ device: 'a', time }, [value ?? Number.NaN]);
  });
  const withoutInput = (rows: ReturnType<typeof copied>) => rows.map(({ input: _, ...row }) => row);
  const given = withoutInput(copied(chain.open().apply(blocks.rows()).rows));
  expect(given).toHaveLength(4);
  expect(given).toEqual(withoutInput(copied(chain.open().apply(singles.rows()).rows)));
});

const anyNs = fc.bigInt({ min: -9_223_372_036_854_775_808n, max: 9_223_372_036_854_775_807n });

test('times as two numbers are exact', () => {
  const short = fc.integer({ min: -7_776_000_000_000_000, max: 7_776_000_000_000_000 });
  const width = fc.oneof(
    fc.constantFrom(1, 20_000_000, 1_000_000_000, 60_000_000_000),
    fc.integer({ min: 1, max: 7_776_000_000_000_000 }),
  );
  fc.assert(
    fc.property(anyNs, short, width, (ns, by, step) => {
      const { seconds, nanoseconds } = timeOf(ns);
      expect(nanoseconds).toBeGreaterThanOrEqual(0);
      expect(nsOf(seconds, nanoseconds)).toBe(ns);
      expect(formatTime(seconds, nanoseconds)).toBe(ns.toString());
      expect(parseTime(ns.toString())).toEqual({ seconds, nanoseconds });
      const moved = shift(seconds, nanoseconds, by);
      expect(nsOf(moved.seconds, moved.nanoseconds)).toBe(ns + BigInt(by));
      const floor = floorTo(seconds, nanoseconds, step);
      const rest = ns - nsOf(floor.seconds, floor.nanoseconds);
      expect(rest >= 0n && rest < BigInt(step)).toBe(true);
      expect(nsOf(floor.seconds, floor.nanoseconds) % BigInt(step)).toBe(0n);
    }),
    { numRuns: 500 },
  );
});
