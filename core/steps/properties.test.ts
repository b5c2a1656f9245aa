import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildChain, type Chain } from './chain.ts';
import { InputRows } from './input.ts';
import { endsSegment, inSegment, noTruth, onlyEndsSegment } from './port.ts';
import { definitions, type StepSpec } from './registry.ts';
import { copied, ms, Run, rowsOf, type Sample } from './testing/run.ts';

const channels = ['x', 'y'];
const window: StepSpec = { use: 'window', length: '1s', rate: 10 };
const overlapping: StepSpec = { use: 'window', length: '1s', every: '300ms', grace: '200ms', rate: 10 };
const few: StepSpec = { use: 'statistics', features: ['mean', 'max'], minSamples: 1 };

/** Chains by the step that they are about. Every step that is registered has to stand here: no exemptions. */
const chains: Readonly<Record<string, readonly (readonly StepSpec[])[]>> = {
  resample: [
    [{ use: 'resample', rate: 10, maxGap: '500ms' }],
    [{ use: 'resample', rate: 7, maxGap: '1s', grace: '300ms' }],
    [{ use: 'resample', rate: 3.5, maxGap: '1s', grace: '150ms', maxSamples: 3 }],
    [{ use: 'resample', rate: 10, maxGap: '400ms', method: 'previous', grace: '200ms' }],
  ],
  filter: [
    [{ use: 'filter', band: 'lowpass', high: 2, rate: 10 }],
    [{ use: 'filter', band: 'bandpass', low: 1, high: 3, order: 2, rate: 10, maxGap: '250ms', segments: 'restart' }],
    [{ use: 'filter', along: 'row', band: 'lowpass', high: 2, order: 3, rate: 10 }],
  ],
  smooth: [
    [{ use: 'smooth', time: '300ms' }],
    [{ use: 'smooth', time: '1s', channels: ['y'], maxGap: '200ms', segments: 'restart' }],
    [{ use: 'smooth', along: 'row', time: '300ms', rate: 10 }],
  ],
  pivot: [
    [{ use: 'pivot' }],
    [{ use: 'pivot', grace: '300ms', complete: ['x'], maxSamples: 3 }],
    [
      { use: 'pivot', grace: '150ms' },
      { use: 'aggregate', columns: [{ name: 'n', of: 'x', take: 'count' }] },
    ],
    [{ use: 'pivot', grace: '200ms' }, window, few],
  ],
  aggregate: [
    [
      {
        use: 'aggregate',
        columns: [
          { name: 'mean', of: 'x', take: 'mean' },
          { name: 'std', of: 'y', take: 'std', min: 3, fewer: 0 },
          { name: 'recent', of: 'x', take: 'mean', over: '400ms' },
          { name: 'last', of: 'y', take: 'last', over: '1s' },
        ],
        keep: ['y'],
        maxValues: 3,
      },
    ],
    [{ use: 'aggregate', columns: [{ name: 'x', of: 'x', take: 'count' }], keep: ['y'] }, window, few],
  ],
  window: [
    [window, few],
    [overlapping, few],
    [{ use: 'window', length: '700ms', every: '700ms', grace: '300ms', maxSamples: 5 }, few],
  ],
  statistics: [[window, { use: 'statistics' }]],
  spectrum: [
    [
      overlapping,
      {
        use: 'spectrum',
        minSamples: 2,
        bands: [
          [0, 2],
          [2, 5],
        ],
      },
    ],
  ],
  lags: [
    [{ use: 'lags', lags: [1, 3], maxAge: '1s' }],
    [window, { use: 'lags', lags: [0, 2], minSamples: 2, channels: ['x'] }],
    [window, few, { use: 'lags', lags: [0] }],
  ],
  series: [
    [window, { use: 'series' }],
    [overlapping, { use: 'series', channels: ['y'] }],
  ],
};

/** Any sound chain: samples in, samples out, then maybe windows and features. */
const anyChain = fc
  .tuple(
    fc.array(fc.constantFrom(...['resample', 'filter', 'smooth'].flatMap((use) => chains[use]!)), { maxLength: 3 }),
    fc.option(fc.constantFrom(window, overlapping)),
    fc.subarray([{ use: 'statistics' }, { use: 'spectrum' }, { use: 'lags', lags: [0, 1] }] as StepSpec[], {
      minLength: 1,
    }),
  )
  .map(([samples, cut, features]) => [...samples.flat(), ...(cut ? [cut, ...features] : [])]);

const value = fc.oneof(
  { arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }), weight: 4 },
  { arbitrary: fc.constant(Number.NaN), weight: 1 },
);

/** Samples whose times mostly grow by a tenth of a second; some jump, some are late, some come twice. */
const samples = fc
  .array(
    fc.record({
      device: fc.constantFrom('a', 'a', 'a', 'b', 'c'),
      step: fc.oneof(
        { arbitrary: fc.integer({ min: 60, max: 140 }), weight: 8 },
        { arbitrary: fc.constant(100), weight: 8 },
        { arbitrary: fc.integer({ min: -400, max: 3_000 }), weight: 2 },
        { arbitrary: fc.constant(0), weight: 1 },
      ),
      values: fc.tuple(value, value),
      truth: fc.constantFrom(noTruth, 0, 0, 0, 1),
      segment: fc.oneof(
        { arbitrary: fc.constant(inSegment), weight: 20 },
        { arbitrary: fc.constantFrom(endsSegment, onlyEndsSegment), weight: 1 },
      ),
      ahead: fc.oneof({ arbitrary: fc.constant(0), weight: 20 }, { arbitrary: fc.constant(7_200_000), weight: 1 }),
    }),
    { minLength: 1, maxLength: 80 },
  )
  .map((all): Sample[] => {
    const clocks = new Map<string, number>();
    return all.map(({ device, step, values, truth, segment, ahead }) => {
      const at = (clocks.get(device) ?? 1_000) + step;
      clocks.set(device, at);
      const isSample = segment !== onlyEndsSegment;
      const received = ms(at);
      const given = isSample ? values : [Number.NaN, Number.NaN];
      return { device, ns: ms(at + ahead), values: given, truth, segment, received };
    });
  });

const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });

/** Cuts samples into batches of these sizes, in turn. */
function batches(all: readonly Sample[], sizes: readonly number[]): Sample[][] {
  const cut: Sample[][] = [];
  for (let from = 0; from < all.length; ) {
    const size = sizes[cut.length % sizes.length]!;
    cut.push(all.slice(from, from + size));
    from += size;
  }
  return cut;
}

function check(
  chain: fc.Arbitrary<Chain>,
  numRuns: number,
  property: (chain: Chain, all: Sample[], sizes: readonly number[]) => void,
) {
  fc.assert(
    fc.property(chain, samples, cuts, (built, all, sizes) => property(built, all, sizes)),
    { numRuns },
  );
}

const openRun = (chain: Chain) => new Run(chain, channels.length);

/** Each chain, the function that makes it, and how often it is tried. */
const cases: [name: string, chain: fc.Arbitrary<Chain>, numRuns: number][] = [
  ...Object.entries(chains).flatMap(([use, all]) =>
    all.map((specs, index): [string, fc.Arbitrary<Chain>, number] => [
      `${use} ${index + 1}`,
      fc.constant(buildChain(specs, channels)),
      60,
    ]),
  ),
  ['any chain', anyChain.map((specs) => buildChain(specs, channels)), 150],
];

it('every step is in the suite', () => {
  expect(Object.keys(chains).sort()).toEqual(definitions.map(({ use }) => use).sort());
});

describe.each(cases)('%s', (_, chain, numRuns) => {
  it('gives the same bits however rows are cut into batches, and accounts for each', () => {
    check(chain, numRuns, (built, all, sizes) => {
      const whole = openRun(built);
      whole.take(all);
      const parts = openRun(built);
      for (const batch of batches(all, sizes)) parts.take(batch);
      expect(parts.outcome.rows).toEqual(whole.outcome.rows);
      expect(parts.outcome.skips.toSorted()).toEqual(whole.outcome.skips.toSorted());
      expect(parts.outcome.counts).toEqual(whole.outcome.counts);
      expect(parts.session.save()).toEqual(whole.session.save());
      const held = whole.session.held();
      let came = all.length;
      whole.outcome.counts.forEach(({ given, consumed, merged, duplicates, evicted, skipped }, step) => {
        expect(consumed + merged + duplicates + evicted + skipped + held[step]!).toBe(came);
        came = given;
      });
    });
  });

  it('is pure until committed', () => {
    check(chain, numRuns, (built, all, sizes) => {
      const run = openRun(built);
      const [first, ...rest] = batches(all, sizes) as [Sample[], ...Sample[][]];
      run.take(first);
      const before = run.session.save();
      for (const batch of rest) {
        const once = run.apply(batch);
        const rows = copied(once.rows);
        run.apply(rest[0]!.toReversed());
        expect(once.committed).toThrow(/latest/);
        expect(run.session.save()).toEqual(before);
        expect(copied(run.apply(batch).rows)).toEqual(rows);
      }
      const undisturbed = openRun(built);
      undisturbed.take(first);
      for (const batch of rest) undisturbed.take(batch);
      for (const batch of rest) run.take(batch);
      expect(run.outcome).toEqual(undisturbed.outcome);
    });
  });

  it('continues after save and load as if nothing had been', () => {
    check(chain, numRuns, (built, all, sizes) => {
      const undisturbed = openRun(built);
      const moved = openRun(built);
      for (const batch of batches(all, sizes)) {
        undisturbed.take(batch);
        moved.take(batch);
        moved.restart(built);
        expect(moved.session.save()).toEqual(undisturbed.session.save());
      }
      expect(moved.outcome).toEqual(undisturbed.outcome);
      expect(moved.session.held()).toEqual(undisturbed.session.held());
    });
  });

  it('leaves its input as it was, and gives inputs in order', () => {
    check(chain, numRuns, (built, all) => {
      const rows = rowsOf(new InputRows(channels.length), all);
      const before = structuredClone(rows);
      const given = built.open().apply(rows).rows;
      expect(rows).toEqual(before);
      for (let row = 1; row < given.count; row++)
        expect(given.inputs[row]).toBeGreaterThanOrEqual(given.inputs[row - 1]!);
    });
  });

  it('refuses a state that is cut off, too long, or of another chain', () => {
    check(chain, 5, (built, all) => {
      const run = openRun(built);
      run.take(all);
      const state = run.session.save();
      const other = buildChain(
        [
          { use: 'smooth', time: '77ms' },
          { use: 'smooth', time: '78ms' },
          { use: 'smooth', time: '78ms' },
        ],
        channels,
      );
      if (state.length > 8) expect(() => openRun(built).session.load(state.subarray(0, -1))).toThrow(RangeError);
      expect(() => openRun(built).session.load(Uint8Array.of(...state, 0))).toThrow(RangeError);
      expect(() => other.open().load(state)).toThrow(RangeError);
    });
  });
});

/** Samples of two devices by time, and how far each arrives behind its time. */
const delayed = fc.array(
  fc.record({
    step: fc.integer({ min: 1, max: 250 }),
    delay: fc.integer({ min: 0, max: 199 }),
    device: fc.constantFrom('a', 'b'),
    value,
    truth: fc.constantFrom(noTruth, 0, 1),
  }),
  { minLength: 1, maxLength: 60 },
);

it.each([
  ['window', [{ use: 'window', length: '1s', every: '300ms', grace: '200ms', rate: 10 }]],
  [
    'resample, filter and window',
    [
      { use: 'resample', rate: 20, maxGap: '300ms', grace: '200ms' },
      { use: 'filter', band: 'lowpass', high: 4, order: 3 },
      { use: 'window', length: '1s' },
    ],
  ],
] as [string, StepSpec[]][])('%s: what comes within grace gives what it gives sorted, as from a table', (_, specs) => {
  const chain = buildChain([...specs, { use: 'statistics', minSamples: 1 }], ['x']);
  fc.assert(
    fc.property(delayed, (all) => {
      let now = 0;
      const sorted = all.map(({ step, delay, device, value: x, truth }) => {
        now += step;
        return { arrival: now + delay, sample: { device, ns: ms(now), values: [x], truth } };
      });
      const arrived = sorted.toSorted((left, right) => left.arrival - right.arrival);
      // Both end with a sample that lets out the same.
      const last = ['a', 'b'].map((device): Sample => ({ device, ns: ms(now + 5_000), values: [0] }));
      const [table, line] = [sorted, arrived].map((order) => {
        const run = new Run(chain, 1);
        run.take([...order.map(({ sample }) => sample), ...last]);
        expect(run.outcome.skips).toEqual([]);
        const rows = run.outcome.rows.map(({ input: __, ...row }) => row);
        return ['a', 'b'].map((device) => rows.filter((row) => row.device === device));
      });
      expect(line).toEqual(table);
    }),
    { numRuns: 300 },
  );
});
