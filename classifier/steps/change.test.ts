import { describe, expect, test, vi } from 'vitest';
import { murmur2 } from '../../core/log/partition.ts';
import type { Rows } from '../../core/model/rows.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { doubleModel } from '../testing/doubles.ts';
import { changingSource, type Line, type ReadingParts, untilTaken } from '../testing/line.ts';
import { linesOfEachTest } from '../testing/lines.ts';
import { identities, samples, second, startNs, steps, undisturbed, window } from '../testing/windows.ts';

const lines = linesOfEachTest();

const meanOf = (length: string, every = length): readonly StepSpec[] => [
  { ...window, length, every },
  { use: 'statistics', features: ['mean'] },
];
const readings = samples(10);

/** The event times of devices after some readings, in nanoseconds. */
function eventTimesAfter(taken: readonly ReadingParts[]): ReadonlyMap<string, bigint> {
  const times = new Map<string, bigint>();
  for (const { device = '', time = 0 } of taken) {
    const at = BigInt(time);
    if (at > (times.get(device) ?? -1n)) times.set(device, at);
  }
  return times;
}

/**
 * What versions give that label one after the other, each from after `after` readings on: of each the windows that begin after that
 * change and not after the next one, each (device, end) once.
 */
async function wantedOf(versions: readonly { steps: readonly StepSpec[]; after: number }[]): Promise<string[]> {
  const wanted: Prediction[] = [];
  for (const [at, { steps: own, after }] of versions.entries()) {
    const from = eventTimesAfter(readings.slice(0, after));
    const next = versions[at + 1];
    const to = next && eventTimesAfter(readings.slice(0, next.after));
    const isOwn = ({ device, from: begin = '0', time }: Prediction) =>
      BigInt(begin) > (from.get(device) ?? -1n) &&
      (!to || BigInt(begin) <= (to.get(device) ?? -1n)) &&
      // Of two windows that end together, the earlier version's is the one that has the identity.
      !wanted.some((other) => other.device === device && other.time === time);
    for (const text of await undisturbed(readings, { steps: own })) {
      const prediction: Prediction = JSON.parse(text);
      if (isOwn(prediction)) wanted.push({ ...prediction, model: { name: 'double', version: at + 1 } });
    }
  }
  return identities(wanted);
}

type Totals = ReturnType<Awaited<ReturnType<Line['classify']>>['totals']>;

/** Every sample that a classifier took is consumed, twice there, skipped, or waits. */
function expectAccount({ readings: taken, steps: counted, skipped, deadLetters, held }: Totals): void {
  const { consumed = 0, duplicates = 0 } = counted ?? {};
  expect(consumed + duplicates + skipped + deadLetters + held).toBe(taken);
}

describe.each<[string, readonly StepSpec[]]>([
  ['equal', [window, { use: 'statistics', features: ['max'] }]],
  ['longer', meanOf('2s')],
  ['shorter', meanOf('500ms')],
  ['hopping', meanOf('1s', '500ms')],
])(
  'a change to windows of %s length: the old version completes what has begun, each window is labelled once',
  (_, next) => {
    const cut = 233;
    const checkpoints = { everyRecords: 1_000_000, everyMs: 3_600_000 };

    test('while both are at work', async () => {
      const line = await lines.open();
      const closed = vi.fn();
      const source = changingSource(doubleModel({ steps, closed }));
      // In small batches: between them each version forgets the devices that are past the change by its own windows.
      const classifier = await line.classify(source, { maxBatch: 5 });
      await line.send(...readings.slice(0, cut));
      await classifier.taken(cut);
      source.change(doubleModel({ version: 2, steps: next }));
      await line.send(...readings.slice(cut, cut + 8));
      await classifier.taken(cut + 8);
      expectAccount(classifier.totals());
      await line.send(...readings.slice(cut + 8));
      await classifier.taken(readings.length);
      const wanted = await wantedOf([
        { steps, after: 0 },
        { steps: next, after: cut },
      ]);
      expect(identities(await line.predictions())).toEqual(wanted);
      // A version that has completed its windows is closed.
      await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
      expectAccount(classifier.totals());
    });

    test.each([
      ['while nothing was at work', 0],
      ['and restarts while the old one completes them', 12],
    ])('%s', async (__, between) => {
      const line = await lines.open();
      const second = doubleModel({ version: 2, steps: next });
      const before = changingSource(doubleModel({ steps }));
      const first = await line.classify(before, { checkpoints, maxBatch: 5 });
      await line.send(...readings.slice(0, cut));
      await first.taken(cut);
      if (between > 0) before.change(second);
      await line.send(...readings.slice(cut, cut + between));
      await first.taken(cut + between);
      await first.stop();

      const closed = vi.fn();
      const source = changingSource(doubleModel({ version: 2, steps: next }), doubleModel({ steps, closed }));
      await line.classify(source, { checkpoints });
      await line.send(...readings.slice(cut + between));
      await untilTaken(line);
      const wanted = await wantedOf([
        { steps, after: 0 },
        { steps: next, after: cut },
      ]);
      expect(identities(await line.predictions())).toEqual(wanted);
      await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
    });
  },
);

test('a version with the same filter but other windows continues the filter: its features are those of an undisturbed run', async () => {
  const ofWindows = (length: string): readonly StepSpec[] => [
    { use: 'resample', rate: 20, maxGap: '300ms', grace: '100ms' },
    { use: 'filter', band: 'lowpass', high: 3, order: 4 },
    ...meanOf(length, '1s'),
  ];
  const collector = () => {
    const features = new Map<string, string>();
    const before = ({ count, width, devices, times, values }: Rows) => {
      for (let row = 0; row < count; row++)
        features.set(`${devices[row]} ${times[row]}`, values.slice(row * width, (row + 1) * width).join());
    };
    return { features, before };
  };
  const [alone, second] = [collector(), collector()];
  const line = await lines.open();
  const source = changingSource(doubleModel({ steps: ofWindows('2s') }));
  const classifier = await line.classify(source);
  await line.send(...readings.slice(0, 233));
  await classifier.taken(233);
  source.change(doubleModel({ version: 2, steps: ofWindows('1s'), before: second.before }));
  await line.send(...readings.slice(233));
  await classifier.taken(readings.length);
  const calm = await lines.open();
  const undisturbedOne = await calm.classify(doubleModel({ steps: ofWindows('1s'), before: alone.before }));
  await calm.send(...readings);
  await undisturbedOne.taken(readings.length);
  expect(second.features.size).toBeGreaterThan(10);
  for (const [identity, values] of second.features) expect(values, identity).toBe(alone.features.get(identity));
});

test('versions that follow each other within a window complete each their own', async () => {
  const line = await lines.open();
  const [second, third] = [meanOf('2s'), meanOf('1s', '500ms')];
  const source = changingSource(doubleModel({ steps }));
  const classifier = await line.classify(source);
  const cuts = [0, 233, 241];
  await line.send(...readings.slice(0, 233));
  await classifier.taken(233);
  source.change(doubleModel({ version: 2, steps: second }));
  await line.send(...readings.slice(233, 241));
  await classifier.taken(241);
  source.change(doubleModel({ version: 3, steps: third }));
  await line.send(...readings.slice(241));
  await classifier.taken(readings.length);
  expectAccount(classifier.totals());
  const all = [steps, second, third].map((own, at) => ({ steps: own, after: cuts[at] ?? 0 }));
  expect(identities(await line.predictions())).toEqual(await wantedOf(all));
});

const unavailable = () => new GaplineError('model-unavailable', 'the model server is unavailable', { retryable: true });

test('an old version whose model server stays unavailable is given up, counted and said: the next one labels on', async () => {
  const line = await lines.open();
  let isUnavailable = false;
  const source = changingSource(
    doubleModel({
      steps,
      before() {
        if (isUnavailable) throw unavailable();
      },
    }),
  );
  const classifier = await line.classify(source, { finishingMs: 50 });
  await line.send(...readings.slice(0, 233));
  await classifier.taken(233);
  isUnavailable = true;
  source.change(doubleModel({ version: 2, steps: meanOf('500ms') }));
  await line.send(...readings.slice(233));
  await classifier.taken(readings.length);
  const found = await line.predictions();
  const wanted = await wantedOf([
    { steps, after: 0 },
    { steps: meanOf('500ms'), after: 233 },
  ]);
  expectAccount(classifier.totals());
  expect(classifier.totals().skippedBy.unfinished).toBeGreaterThan(0);
  const ofSecond = (all: readonly string[]) => all.filter((text) => text.includes('"version":2'));
  expect(ofSecond(identities(found))).toEqual(ofSecond(wanted));
  expect(await classifier.registry.metrics()).toMatch(/model_changes_total\{outcome="unfinished"\} [1-3]\n/);
});

test('an old version that cannot be had any more after a restart is given up, counted and said', async () => {
  const line = await lines.open();
  const first = await line.classify(changingSource(doubleModel({ steps })));
  await line.send(...readings.slice(0, 233));
  await first.taken(233);
  await first.stop();
  const second = await line.classify(changingSource(doubleModel({ version: 2, steps: meanOf('500ms') })));
  await line.send(...readings.slice(233));
  await second.taken(readings.length - 233);
  expect(await second.registry.metrics()).toMatch(/model_changes_total\{outcome="unfinished"\} [1-3]\n/);
});

test('what a version left open is counted once where another takes over while its partitions are restored', async () => {
  const line = await lines.open();
  const first = await line.classify(doubleModel({ steps }));
  await line.send(...readings.slice(0, 233));
  await first.taken(233);
  await first.stop();
  // The first batch after an assignment is committed with a checkpoint of the state before it; duplicates change nothing.
  const between = await line.classify(doubleModel({ steps }));
  const again = [...new Map(readings.slice(0, 233).map((reading) => [reading.device, reading])).values()];
  await line.send(...again);
  await between.taken(again.length);
  const { held } = between.totals();
  await between.stop();
  expect(held).toBeGreaterThan(0);
  const others = meanOf('500ms');
  const source = changingSource(doubleModel({ version: 2, steps: others }));
  const loads = vi.fn(async () => {
    if (loads.mock.calls.length === 1) source.change(doubleModel({ version: 3, steps: others }));
    throw new GaplineError('model-missing', 'there is no version 1', { retryable: false });
  });
  const second = await line.classify({ ...source, load: loads });
  await line.send(...readings.slice(233));
  await second.taken(readings.length - 233);
  // Each partition was restored for version 2, and again for version 3.
  expect(loads.mock.calls.length).toBeGreaterThan(1);
  expect(second.totals().skippedBy.unfinished).toBe(held);
  expect(await second.registry.metrics()).toMatch(/model_changes_total\{outcome="unfinished"\} [1-3]\n/);
});

const partitionOf = (device: string): number => (murmur2(Buffer.from(device)) & 0x7fffffff) % 3;

test('a device that stays silent keeps an old version at work for a bounded time; what it left open is skipped and counted', async () => {
  const line = await lines.open();
  const closed = vi.fn();
  const source = changingSource(doubleModel({ steps, closed }));
  const classifier = await line.classify(source);
  const send = async (own: Line, ...some: readonly ReadingParts[]) => {
    const before = classifier.totals().readings;
    await own.send(...some);
    await classifier.taken(before + some.length);
    expectAccount(classifier.totals());
  };
  // Both devices are in one partition, or the silent one would not know how late it is.
  const at = (device: string, seconds: number): ReadingParts => ({
    ...{ device, time: startNs + seconds * second, values: { a: 1, b: 2 } },
  });
  const silent = 'd0';
  const other = Array.from({ length: 20 }, (_, n) => `o${n}`).find((name) => partitionOf(name) === partitionOf(silent));
  if (other === undefined) throw new Error('no two devices share a partition');
  await send(line, at(silent, 0.2), at(silent, 0.4), at(other, 0.4));
  source.change(doubleModel({ version: 2, steps: meanOf('2s') }));
  await send(line, at(other, 3), at(other, 7_100));
  expect(closed).not.toHaveBeenCalled();
  expect(classifier.totals()).toMatchObject({ skipped: 0, held: 4 });
  await send(line, at(other, 7_300));
  await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
  expect(classifier.totals().skippedBy).toEqual({ unfinished: 2 });
  expect(await classifier.registry.metrics()).toMatch(/skipped_total\{reason="unfinished"\} 2\n/);
  // What it had stored meanwhile: the window that had begun is of no version, the next ones are of the new one.
  await send(line, at(silent, 0.6), at(silent, 1.5), at(silent, 2.5), at(silent, 7_302));
  const found = (await line.predictions()).filter(({ device }) => device === silent);
  expect(found.map(({ from, model: { version } }) => [(Number(from) - startNs) / second, version])).toEqual([[2, 2]]);
});

test('a partition in which nobody speaks any more keeps an old version at work for a bounded time', async () => {
  const line = await lines.open();
  const closed = vi.fn();
  let steadyMs = 0;
  // Asked for with each report of its status.
  const steadyNow = vi.fn(() => steadyMs);
  const source = changingSource(doubleModel({ steps, closed }));
  const classifier = await line.classify(source, { steadyNow });
  const at = (seconds: number): ReadingParts => ({ device: 'd0', time: startNs + seconds * second });
  await line.send(at(0.2), at(0.4));
  await classifier.taken(2);
  source.change(doubleModel({ version: 2, steps: meanOf('2s') }));
  await line.send(at(0.6));
  await classifier.taken(3);
  const before = steadyNow.mock.calls.length;
  await vi.waitFor(() => expect(steadyNow.mock.calls.length).toBeGreaterThan(before), { timeout: 30_000 });
  expect(classifier.totals()).toMatchObject({ skipped: 0 });
  steadyMs += 3 * 3_600_000;
  await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1), { timeout: 30_000 });
  expectAccount(classifier.totals());
  expect(classifier.totals().skippedBy).toEqual({ unfinished: 2 });
});
