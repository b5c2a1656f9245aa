// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { kill } from '../../core/log/contract/fixture.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import type { Fact } from '../../core/wire/fact.ts';
import { classifierGroup } from '../classifier.ts';
import { doubleModel } from '../testing/doubles.ts';
import { changingSource, type Line, patient, type ReadingParts, untilTaken } from '../testing/line.ts';
import { engines, linesOfEachTest } from '../testing/lines.ts';

const gate: StepSpec = { use: 'gate', during: 'admission', lateness: '1h' };
const join: StepSpec = { use: 'join', fact: 'age', values: ['age'], lateness: '1h' };
const steps: readonly StepSpec[] = [gate, join];
const second = 1_000_000_000;
const startNs = 1_700_000_000 * second;
const at = (seconds: number) => startNs + seconds * second;

type Told = Omit<Fact, 'stream' | 'received'>;
const fact = (subject: string, kind: string, from: number, to?: number, values: Fact['values'] = {}): Told => ({
  ...{ subject, kind, from: `${at(from)}`, values },
  ...(to !== undefined && { to: `${at(to)}` }),
});
const reading = (device: string, seconds: number, a = 1): ReadingParts => ({
  ...{ device, time: at(seconds), values: { a, b: seconds } },
});

const lines = linesOfEachTest({ admission: [], age: ['age'] });

/** Where a reading was labelled, by which facts, with which age. */
async function labelsOf(line: Line): Promise<string[]> {
  const found = await line.predictions();
  return found
    .map(
      ({ device, time, facts, gaps }) =>
        `${device} ${(Number(time) - startNs) / second} ${JSON.stringify(facts)} ${gaps}`,
    )
    .sort();
}

test('readings are labelled within an admission, whichever comes first, and each label names its facts', async () => {
  const line = await lines.open();
  const classifier = await line.classify(doubleModel({ steps }));
  await line.send(reading('p', 5), reading('p', 15), reading('q', 5));
  await classifier.taken(3);
  await line.tell(fact('p', 'admission', 0, 10), fact('p', 'age', -1_000, undefined, { age: 70 }));
  await untilTaken(line);
  await expect.poll(() => line.predictions(), patient).toHaveLength(1);
  await line.send(reading('p', 7), reading('p', 10));
  await untilTaken(line);
  const known = JSON.stringify({ admission: `${at(0)}`, age: `${at(-1_000)}` });
  expect(await labelsOf(line)).toEqual([`p 5 ${known} 0`, `p 7 ${known} 0`]);
  await line.tell(fact('p', 'admission', 0, 6), fact('p', 'admission', 0, 6), fact('q', 'age', 0, undefined, null));
  await line.send('no JSON', reading('p', 4_000));
  await untilTaken(line);
  await expect.poll(() => classifier.totals().facts?.ended, patient).toBe(1);
  const { readings, labels, skippedBy, deadLetters, held, facts } = classifier.totals();
  expect({ readings, labels, skippedBy, deadLetters, held }).toEqual({
    ...{ readings: 7, labels: 2, skippedBy: { 'no-fact': 2 }, deadLetters: 1, held: 2 },
  });
  expect(facts).toEqual({
    ...{ taken: 4, corrected: 0, ended: 1, full: 0, pruned: 0, deadLetters: 0, skipped: 0, missedBy: { admission: 2 } },
  });
  // The label before the end stays, and so does the one that would not be made any more.
  expect(await labelsOf(line)).toHaveLength(2);
});

test('facts that ended long ago leave the state with a checkpoint, and are counted', async () => {
  const line = await lines.open();
  const classifier = await line.classify(doubleModel({ steps }), { checkpoints: { everyRecords: 1, everyMs: 1 } });
  const day = 86_400;
  await line.tell(fact('p', 'admission', 0, 10), fact('p', 'admission', 9 * day), fact('p', 'age', 0, 10, { age: 7 }));
  await untilTaken(line);
  await line.send(reading('p', 5));
  await classifier.taken(1);
  expect(classifier.totals().facts?.pruned).toBe(0);
  await line.send(reading('p', 9 * day));
  await classifier.taken(2);
  // The checkpoint goes with a batch behind it, and on a busy machine not with the first.
  let later = 0;
  const pruned = async () => {
    later += 1;
    await line.send(reading('p', 9 * day + later));
    await classifier.taken(2 + later);
    return classifier.totals().facts?.pruned;
  };
  await expect.poll(pruned, patient).toBe(2);
  expect(classifier.totals().labels).toBe(1);
});

test('without a checkpoint, readings that were held are not labelled any more, and are counted', async () => {
  const line = await lines.open();
  const checkpoints = { everyRecords: 1_000_000, everyMs: 3_600_000 };
  const first = await line.classify(doubleModel({ steps }), { checkpoints });
  await line.tell(fact('p', 'age', 0, undefined, { age: 7 }));
  await untilTaken(line);
  await line.send(reading('p', 5), reading('p', 6));
  await first.taken(2);
  await first.stop();
  for (let partition = 0; partition < 3; partition++)
    await line.log.append(
      line.stream.topics.state,
      [{ key: `${partition}`, partitionKey: `${partition}`, value: Buffer.from('damaged') }],
      { deadlineMs: 30_000 },
    );
  const second = await line.classify(doubleModel({ steps }), { checkpoints });
  await line.send(reading('p', 7));
  await second.taken(1);
  await line.tell(fact('p', 'admission', 0));
  await untilTaken(line);
  await expect.poll(() => second.totals(), patient).toMatchObject({ labels: 1, skippedBy: { unfinished: 2 }, held: 0 });
});

test('a record that is no fact is a dead letter, and another stream’s is skipped', async () => {
  const line = await lines.open();
  const classifier = await line.classify(doubleModel({ steps }));
  const { facts: topic } = line.stream.topics;
  const other = { ...fact('p', 'admission', 0), stream: 'other', received: '0' };
  const wrong = [
    { ...other, stream: line.stream.name, to: '1' },
    { ...other, received: undefined },
  ];
  await line.log.append(
    topic,
    [other, ...wrong].map((value) => ({ key: 'p', value: Buffer.from(JSON.stringify(value)) })),
    { deadlineMs: 30_000 },
  );
  await expect.poll(() => classifier.totals().facts, patient).toMatchObject({ deadLetters: 2, skipped: 1 });
  expect((await line.deadLetters()).map(({ reason }) => reason).sort()).toEqual([
    'received: it is missing',
    expect.stringContaining('to: found'),
  ]);
  expect(classifier.totals().readings).toBe(0);
});

test('a model that needs facts which the stream does not take is refused', async () => {
  const line = await lines.open();
  const needs = doubleModel({ steps: [{ ...join, fact: 'weight' } as StepSpec] });
  await expect(line.classify(needs)).rejects.toThrow('needs facts of kind weight, which stream');
});

test('a change of model keeps what waits: it is labelled once, by the model that takes over or by the one that completes', async () => {
  for (const next of [steps, [gate, { ...join, required: false } as StepSpec]]) {
    const line = await lines.open();
    const source = changingSource(doubleModel({ steps }));
    const classifier = await line.classify(source);
    await line.send(reading('p', 5), reading('p', 6));
    await classifier.taken(2);
    source.change(doubleModel({ version: 2, steps: next }));
    await line.send(reading('p', 7));
    await classifier.taken(3);
    await line.tell(fact('p', 'admission', 0), fact('p', 'age', 0, undefined, { age: 70 }));
    await untilTaken(line);
    await line.send(reading('p', 8));
    await classifier.taken(4);
    await untilTaken(line);
    const labelled = (await line.predictions()).map(({ time }) => (Number(time) - startNs) / second);
    expect(labelled.toSorted()).toEqual([5, 6, 7, 8]);
  }
});

/** The labels of one device, of which a classifier held the reading of second 5 and labelled the others, before and after it is set back. */
async function setBack({ restarts }: { restarts: boolean }) {
  const line = await lines.open();
  const checkpoints = { everyRecords: 1_000_000, everyMs: 3_600_000 };
  let before = await line.classify(doubleModel({ steps }), { checkpoints });
  await line.tell(fact('p', 'admission', 50), fact('p', 'age', -1_000, undefined, { age: 70 }));
  await untilTaken(line);
  await line.send(reading('p', 5));
  await before.taken(1);
  expect(before.totals().held).toBe(1);
  const sinceMs = Date.now() + 1;
  await expect.poll(() => Date.now(), patient).toBeGreaterThan(sinceMs);
  await line.send(reading('p', 60));
  await before.taken(2);
  await line.tell(fact('p', 'age', 0, undefined, { age: 71 }));
  await untilTaken(line);
  // The first batch after a start brings a checkpoint.
  if (restarts) {
    await before.stop();
    before = await line.classify(doubleModel({ steps }), { checkpoints });
  }
  await line.send(reading('p', 61));
  await before.taken(restarts ? 1 : 3);
  await untilTaken(line);
  await before.stop();
  const moved = await line.log.rewind(classifierGroup(line.stream), [line.stream.topics.readings], sinceMs);
  expect(moved.map(({ from, to }) => from - to).filter((count) => count > 0n)).toEqual([2n]);
  const labelledBefore = await labelsOf(line);
  const after = await line.classify(doubleModel({ steps }), { checkpoints });
  await after.taken(2);
  await line.tell(fact('p', 'admission', 0, 50));
  await untilTaken(line);
  await line.send(reading('p', 7));
  await after.taken(3);
  await untilTaken(line);
  await expect.poll(async () => (await labelsOf(line)).length, patient).toBe(2 + after.totals().labels);
  return { labelledBefore, labelled: await labelsOf(line), totals: after.totals() };
}

test.each([
  { last: 'after that time: what was held before it is forgotten', restarts: true, unfinished: 1 },
  { last: 'before that time: what was held stays held', restarts: false, unfinished: 0 },
])(
  'a classifier that is set back labels again by the facts of now; its last checkpoint is from $last',
  async ({ restarts, unfinished }) => {
    const { labelledBefore, labelled, totals } = await setBack({ restarts });
    const label = (seconds: number, admission: number, age: number) =>
      `p ${seconds} ${JSON.stringify({ admission: `${at(admission)}`, age: `${at(age)}` })} 0`;
    expect(labelledBefore).toEqual([label(60, 50, -1_000), label(61, 50, 0)].sort());
    const again = [label(60, 50, 0), label(61, 50, 0), label(7, 0, 0)];
    const released = unfinished > 0 ? [] : [label(5, 0, 0)];
    expect(labelled).toEqual([...labelledBefore, ...again, ...released].sort());
    const { labels, skippedBy, held } = totals;
    expect({ labels, skippedBy, held }).toEqual({
      ...{ labels: again.length + released.length, held: 0 },
      skippedBy: unfinished > 0 ? { unfinished } : {},
    });
  },
);

/** 500 readings a round of 40 patients; facts early, late, told twice, corrected to end later. */
function ward(rounds: number) {
  const patients = Array.from({ length: 40 }, (_, patient) => `p${patient}`);
  const readings: ReadingParts[][] = [];
  const facts: Told[][] = Array.from({ length: rounds }, () => []);
  for (let round = 0; round < rounds; round++)
    readings.push(
      Array.from({ length: 500 }, (_, index) => {
        const number = round * 500 + index;
        return reading(patients[(number * 7) % 40] ?? '', Math.floor(number / 4), number % 13);
      }),
    );
  const length = (rounds * 500) / 4;
  for (const [index, subject] of patients.entries()) {
    const admitted = (index * 37) % length;
    const discharged = admitted + 40 + ((index * 11) % 90);
    const tell = (round: number, ...told: Told[]) => facts[Math.min(rounds - 1, Math.max(0, round))]?.push(...told);
    // Early, in time, or late.
    const round = Math.floor((admitted * 4) / 500) + (index % 3) - 1;
    tell(round, fact(subject, 'admission', admitted, discharged - 20));
    tell(round + 1, fact(subject, 'admission', admitted, discharged), fact(subject, 'admission', admitted, discharged));
    tell((index * 5) % rounds, fact(subject, 'age', -9_000, undefined, { age: 20 + index }));
    // Ended early, and then it was a mistake: what was labelled before the end must not be labelled again after it.
    if (index % 4 === 2) {
      tell(round + 2, fact(subject, 'admission', admitted, admitted + 5));
      tell(rounds - 1, fact(subject, 'admission', admitted, discharged));
    }
    // Two admissions of some; what others told about the third kind of patients is taken back at once.
    if (index % 4 === 0) tell(rounds - 1, fact(subject, 'admission', discharged + 10, discharged + 50));
    if (index % 4 === 1)
      tell(
        round,
        fact(subject, 'admission', discharged + 10, undefined, null),
        fact(subject, 'age', 0, undefined, null),
      );
  }
  return { readings, facts };
}

async function calmLabels({ readings, facts }: ReturnType<typeof ward>): Promise<string[]> {
  const calm = await lines.open();
  const classifier = await calm.classify(doubleModel({ steps }));
  await calm.tell(...facts.flat());
  await untilTaken(calm);
  await calm.send(...readings.flat());
  await classifier.taken(readings.flat().length);
  return labelsOf(calm);
}

describe.each(engines)('on $engine', ({ engine, notRun, because }) => {
  test.skipIf(notRun)(
    `what was labelled before a fact was ended is not labelled again after a restart, when the fact is told anew${because}`,
    { timeout: 60_000 },
    async () => {
      const line = await lines.open(engine);
      const checkpoints = { everyRecords: 1_000_000, everyMs: 3_600_000 };
      await line.tell(fact('p', 'age', 0, undefined, { age: 70 }));
      for (let round = 0; round < 3; round++) {
        const classifier = await line.classify(doubleModel({ steps }), { checkpoints });
        await line.tell(fact('p', 'admission', 0, 100));
        await untilTaken(line);
        await line.send(reading('p', 50 + round), reading('p', 10 + round));
        await untilTaken(line);
        await line.tell(fact('p', 'admission', 0, 20));
        await untilTaken(line);
        await line.send(reading('p', 60 + round));
        await untilTaken(line);
        await classifier.stop();
      }
      await line.tell(fact('p', 'admission', 0, 100));
      await line.classify(doubleModel({ steps }), { checkpoints });
      await untilTaken(line);
      const times = (await line.predictions()).map(({ time }) => (Number(time) - startNs) / second);
      expect(times.toSorted((a, b) => a - b)).toEqual([10, 11, 12, 50, 51, 52, 60, 61, 62]);
    },
  );

  test.skipIf(notRun)(
    `a classifier that is killed at random moments labels what it would have labelled undisturbed${because}`,
    { timeout: 240_000 },
    async () => {
      const all = ward(5);
      const wanted = await calmLabels(all);
      expect(wanted.length).toBeGreaterThan(300);
      expect(new Set(wanted).size).toBe(wanted.length);

      const line = await lines.open(engine);
      for (let round = 0; round < 5; round++) {
        const { child, told } = lines.startMember(line, {
          steps,
          maxBatch: 7,
          everyRecords: [1, 100_000, 60, 100_000, 5][round] ?? 1,
        });
        const readings = all.readings[round] ?? [];
        const facts = all.facts[round] ?? [];
        // Some of it while nothing is at work, some while it labels; facts between readings, so that the order of the topics is by chance.
        await line.send(...readings.slice(0, 200));
        await line.tell(...facts.slice(0, 20));
        await expect.poll(() => told.readings, { ...patient, interval: 1 }).toBeGreaterThan(20);
        const sent = (async () => {
          for (let part = 0; part < 6; part++) {
            await line.send(...readings.slice(200 + part * 50, 250 + part * 50));
            await line.tell(...facts.slice(20 + part * 10, part === 5 ? undefined : 30 + part * 10));
          }
        })();
        await sleep(Math.random() * 60);
        await kill(child);
        await sent;
      }
      await line.classify(doubleModel({ steps }));
      await untilTaken(line);
      await expect.poll(async () => (await line.predictions()).length, patient).toBe(wanted.length);
      expect(await labelsOf(line)).toEqual(wanted);
    },
  );
});
