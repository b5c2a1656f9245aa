// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { kill } from '../../core/log/contract/fixture.ts';
import { withoutKafka } from '../../core/log/kafka/testing.ts';
import type { Model } from '../../core/model/model.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { ClassifierTask } from '../testing/child.ts';
import { doubleModel } from '../testing/doubles.ts';
import { type Engine, type Line, patient, type ReadingParts, untilTaken } from '../testing/line.ts';
import { engines, linesOfEachTest } from '../testing/lines.ts';
import { beat, seriesModel } from '../testing/series-model.ts';

const steps: readonly StepSpec[] = [
  { use: 'smooth', time: '300ms' },
  { use: 'window', length: '2s', every: '1s', grace: '200ms' },
  { use: 'statistics', features: ['mean', 'std', 'max'] },
];
const second = 1_000_000_000;
const startNs = 1_700_000_000 * second;

const lines = linesOfEachTest();

/** Eight devices, ten samples a second each, with gaps. */
function samples(seconds: number): ReadingParts[] {
  return Array.from({ length: seconds * 80 }, (_, at) => {
    const [device, tick] = [at % 8, Math.floor(at / 8)];
    const value = (tick * 7 + device * 3) % 11;
    const time = startNs + tick * (second / 10);
    return { device: `d${device}`, time, values: { a: tick % 6 === device ? null : value, b: value * 2 } };
  });
}

/** The same devices: every other one has the second kind of beat. */
function beats(seconds: number): ReadingParts[] {
  return samples(seconds).map((reading, at) => {
    const { a, b } = beat(at % 2, Math.floor(at / 8), ((at * 29) % 17) / 17 - 0.5);
    return { ...reading, values: { a: reading.values?.a === null ? null : a, b } };
  });
}

/** Labels, features and identities of all predictions; only when they were made may differ. */
async function resultsOf(line: Line): Promise<string[]> {
  const found = (await line.predictions()).map(({ latencyMs: _, received: __, stream: ___, ...rest }) => rest);
  return found.map((prediction) => JSON.stringify(prediction)).sort();
}

/** What a line that nothing befalls makes of readings. */
async function undisturbed(readings: readonly ReadingParts[], model: Model): Promise<string[]> {
  const calm = await lines.open('SQLite');
  await calm.classify(model);
  await calm.send(...readings);
  await untilTaken(calm);
  return await resultsOf(calm);
}

const spawn = (line: Line, task: Omit<ClassifierTask, 'address' | 'stream' | 'steps'>) =>
  lines.startMember(line, { steps, ...task });

interface Work {
  readonly readings: readonly ReadingParts[];
  readonly model: () => Model;
  /** Of the model; absent for the one of whole series. */
  readonly steps?: readonly StepSpec[];
}

/** Kills one classifier after the other at random moments, checks what they labelled together, and returns it. */
async function killedAtWork(engine: Engine, { readings, model, ...work }: Work): Promise<string[]> {
  const wanted = await undisturbed(readings, model());
  const line = await lines.open(engine);
  const everyRecords = [1, 20, 60, 200, 5].slice(0, Math.floor(readings.length / 400));
  for (const [round, every] of everyRecords.entries()) {
    const { child, told } = lines.startMember(line, { ...work, maxBatch: 7, everyRecords: every });
    // Some of it while nothing is at work, some while it labels.
    const part = readings.slice(round * 400, (round + 1) * 400);
    await line.send(...part.slice(0, 200));
    await expect.poll(() => told.readings, { ...patient, interval: 1 }).toBeGreaterThan(20);
    const sent = line.send(...part.slice(200));
    await sleep(Math.random() * 30);
    await kill(child);
    await sent;
  }
  await line.send(...readings.slice(everyRecords.length * 400));
  await line.classify(model());
  await untilTaken(line);
  expect(await resultsOf(line)).toEqual(wanted);
  return wanted;
}

describe.each(engines)('on $engine', ({ engine, notRun, because }) => {
  test.skipIf(notRun)(
    `a classifier that is killed at random moments labels every window once, as if nothing had been${because}`,
    { timeout: 240_000 },
    async () => {
      const model = () => doubleModel({ steps });
      expect((await killedAtWork(engine, { readings: samples(30), model, steps })).length).toBeGreaterThan(200);
    },
  );

  test.skipIf(notRun)(
    `killed while it labels whole windows by shapelets, it gives the same set of labels${because}`,
    { timeout: 240_000 },
    async () => {
      const labels = await killedAtWork(engine, { readings: beats(18), model: seriesModel });
      expect(labels.length).toBeGreaterThan(100);
      for (const label of ['single', 'double'])
        expect(labels.filter((text) => text.includes(`"label":"${label}"`)).length).toBeGreaterThan(40);
    },
  );
});

test.skipIf(withoutKafka)(
  `partitions that change hands again and again keep their windows${withoutKafka ? `: ${withoutKafka}` : ''}`,
  { timeout: 240_000 },
  async () => {
    const readings = samples(20);
    const wanted = await undisturbed(readings, doubleModel({ steps }));

    const line = await lines.open('Kafka');
    const first = spawn(line, { maxBatch: 9, everyRecords: 50 });
    for (let round = 0; round < 4; round++) {
      const other = spawn(line, { maxBatch: 5, everyRecords: 30 });
      const part = readings.slice(round * 400, (round + 1) * 400);
      for (let at = 0; at < part.length; at += 100) {
        await line.send(...part.slice(at, at + 100));
        await sleep(250);
      }
      await expect.poll(() => first.told.readings + other.told.readings, patient).toBeGreaterThan(0);
      await kill(other.child);
    }
    await untilTaken(line);
    await kill(first.child);
    expect(await resultsOf(line)).toEqual(wanted);
  },
);

test.skipIf(withoutKafka)(
  `a member that is stopped for longer than its session labels nothing twice when it wakes${withoutKafka ? `: ${withoutKafka}` : ''}`,
  { timeout: 240_000 },
  async () => {
    const readings = samples(12);
    const wanted = await undisturbed(readings, doubleModel({ steps }));

    const line = await lines.open('Kafka');
    const stopped = spawn(line, { maxBatch: 5, everyRecords: 40 });
    await line.send(...readings.slice(0, 400));
    await expect.poll(() => stopped.told.readings, { ...patient, interval: 1 }).toBeGreaterThan(20);
    stopped.child.kill('SIGSTOP');
    const other = spawn(line, { maxBatch: 9, everyRecords: 60 });
    await line.send(...readings.slice(400, 700));
    // The group is without the one that is stopped once the other has taken all of it.
    await untilTaken(line);
    stopped.child.kill('SIGCONT');
    await line.send(...readings.slice(700));
    await untilTaken(line);
    await Promise.all([kill(stopped.child), kill(other.child)]);
    expect(await resultsOf(line)).toEqual(wanted);
  },
);

/** Per device, the moments at which another version can have taken over: those that explain which windows each version labelled. */
function changesOf(found: readonly string[], before: readonly string[], after: readonly string[]): number[] {
  const parse = (all: readonly string[]) => all.map((text): Prediction => JSON.parse(text));
  const [labelled, old, young] = [parse(found), parse(before), parse(after)];
  const devices = new Set(labelled.map(({ device }) => device));
  return [...devices].map((device) => {
    const of = (all: readonly Prediction[]) => all.filter((each) => each.device === device);
    const wanted = (change: number) =>
      [
        ...of(old).filter(({ from }) => Number(from) <= change),
        ...of(young).filter(({ from }) => Number(from) > change),
      ].map((each) => JSON.stringify(each));
    const own = of(labelled)
      .map((each) => JSON.stringify(each))
      .sort()
      .join();
    const ticks = Array.from({ length: 300 }, (_, tick) => startNs + tick * (second / 10));
    return ticks.filter((tick) => wanted(tick).sort().join() === own).length;
  });
}

test.skipIf(withoutKafka)(
  `steps change while members are killed and partitions change hands: each window is labelled once${withoutKafka ? `: ${withoutKafka}` : ''}`,
  { timeout: 240_000 },
  async () => {
    const readings = samples(20);
    const next: readonly StepSpec[] = [
      { use: 'window', length: '3s', every: '1s', grace: '200ms' },
      { use: 'statistics', features: ['mean'] },
    ];
    const line = await lines.open('Kafka');
    const first = spawn(line, { maxBatch: 5, everyRecords: 200, next: { steps: next, after: 300 } });
    await line.send(...readings.slice(0, 700));
    await expect.poll(() => first.told.readings, { ...patient, interval: 1 }).toBeGreaterThan(400);
    // It has just changed: the windows of the version before are open.
    const other = spawn(line, { maxBatch: 9, everyRecords: 150, next: { steps: next, after: 0 } });
    await kill(first.child);
    await line.send(...readings.slice(700, 1_000));
    await expect.poll(() => other.told.readings, { ...patient, interval: 1 }).toBeGreaterThan(10);
    const third = spawn(line, { maxBatch: 7, everyRecords: 90, next: { steps: next, after: 0 } });
    await line.send(...readings.slice(1_000));
    await untilTaken(line);
    await Promise.all([kill(other.child), kill(third.child)]);
    const [before, after] = [doubleModel({ version: 1, steps }), doubleModel({ version: 2, steps: next })];
    const changes = changesOf(
      await resultsOf(line),
      await undisturbed(readings, before),
      await undisturbed(readings, after),
    );
    expect(changes).toHaveLength(8);
    expect(changes.every((count) => count > 0)).toBe(true);
  },
);
