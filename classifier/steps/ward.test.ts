// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { kill } from '../../core/log/contract/fixture.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import type { Fact } from '../../core/wire/fact.ts';
import { doubleModel } from '../testing/doubles.ts';
import { type Line, patient, type ReadingParts, untilTaken } from '../testing/line.ts';
import { engines, linesOfEachTest } from '../testing/lines.ts';

/** As in `examples/icu`, and a label is due once for each time. */
const steps: readonly StepSpec[] = [
  { use: 'pivot' },
  {
    use: 'aggregate',
    columns: [
      { name: 'last', of: 'a', take: 'last' },
      { name: 'mean', of: 'b', take: 'mean' },
      { name: 'deviation', of: 'a', take: 'std', min: 3, fewer: 0 },
    ],
  },
  { use: 'gate', during: 'admission', lateness: '1d' },
  { use: 'join', fact: 'age', values: ['age'], lateness: '1d' },
];
const second = 1_000_000_000;
const at = (seconds: number) => (1_700_000_000 + seconds) * second;

type Told = Omit<Fact, 'stream' | 'received'>;

/** A larger ward, for a run by hand: `GAPLINE_WARD=500x100000` is so many patients and records. */
const [patients = 30, records = 3_000] = (process.env.GAPLINE_WARD ?? '30x3000').split('x').map(Number);
const times = Math.floor(records / patients / 2);

/** Records of one value each, two a time of a patient; some come for a time that has passed, some are missing. */
function signals(): ReadingParts[] {
  const all: ReadingParts[] = [];
  for (let time = 0; time < times; time++)
    for (let one = 0; one < patients; one++) {
      const device = `p${one}`;
      const parts: ReadingParts[] = [
        { device, time: at(time), values: { a: (one * 7 + time * 3) % 11 } },
        { device, time: at(time), values: { b: (one + time) % 5 } },
      ];
      if ((one + time) % 3 === 0) parts.reverse();
      // Without its second value a time is whole when the next one begins.
      if ((one + time) % 7 === 0) parts.pop();
      all.push(...parts);
    }
  return all;
}

/** Facts early, late, corrected to end later, told twice, and told and deleted. */
function facts(): { early: Told[]; late: Told[]; corrected: Told[] } {
  const [early, late, corrected]: [Told[], Told[], Told[]] = [[], [], []];
  for (let one = 0; one < patients; one++) {
    const from = (one * 5) % times;
    const to = from + Math.ceil(times / 3) + (one % 9);
    const subject = `p${one}`;
    const admission = (end: number): Told => ({
      ...{ subject, kind: 'admission', from: `${at(from)}`, to: `${at(end)}`, values: {} },
    });
    const age: Told = { subject, kind: 'age', from: `${at(-9_000)}`, values: { age: 20 + (one % 70) } };
    const mistake: Told = { subject, kind: 'admission', from: `${at(-500)}`, to: `${at(-400)}`, values: {} };
    (one % 2 === 0 ? early : late).push(admission(to - 2), age, mistake);
    corrected.push(admission(to), admission(to), { ...mistake, values: null });
  }
  return { early, late, corrected };
}

const lines = linesOfEachTest({ admission: [], age: ['age'] });
const waits = { ...patient, timeout: 60_000 + records };

async function labelsOf(line: Line): Promise<string[]> {
  const found = await line.predictions();
  return found
    .map(({ device, time, label, gaps, facts: by }) => [device, time, label, gaps, JSON.stringify(by)].join(' '))
    .sort();
}

async function inParts<T>(all: readonly T[], send: (...part: T[]) => Promise<void>): Promise<void> {
  for (let first = 0; first < all.length; first += 1_000) await send(...all.slice(first, first + 1_000));
}

async function undisturbed(): Promise<string[]> {
  const line = await lines.open('SQLite');
  const classifier = await line.classify(doubleModel({ steps }));
  const { early, late, corrected } = facts();
  await inParts([...early, ...late, ...corrected], line.tell);
  await untilTaken(line, waits);
  const sent = signals();
  await inParts(sent, line.send);
  await untilTaken(line, waits);
  await expect.poll(() => classifier.totals().readings, waits).toBe(sent.length);
  const { readings, consumed, skippedBy, deadLetters, held } = accountOf(classifier.totals());
  expect(consumed + sumOf(skippedBy) + deadLetters + held).toBe(readings);
  return await labelsOf(line);
}

const accountOf = (totals: {
  readonly readings: number;
  readonly skippedBy: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  readonly held?: number;
  readonly steps?: { readonly consumed: number; readonly duplicates: number };
}) => ({
  ...totals,
  held: totals.held ?? 0,
  consumed: (totals.steps?.consumed ?? 0) + (totals.steps?.duplicates ?? 0),
});

const sumOf = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

describe.each(engines)('on $engine', ({ engine, notRun, because }) => {
  test.skipIf(notRun)(
    `a ward in long form, its classifier killed in the middle, has the labels of one that nothing befell${because}`,
    { timeout: 240_000 + 10 * records },
    async () => {
      const wanted = await undisturbed();
      expect(wanted.length).toBeGreaterThan(records / 10);
      expect(new Set(wanted.map((label) => label.split(' ', 2).join(' '))).size).toBe(wanted.length);

      const line = await lines.open(engine);
      const { early, late, corrected } = facts();
      const sent = signals();
      const third = Math.ceil(sent.length / 3);
      const told = [early, late, corrected];
      for (let round = 0; round < 3; round++) {
        const checkpoints = { everyRecords: [40, 100_000, 7][round] ?? 1 };
        const member = lines.startMember(line, { steps, maxBatch: 50, ...checkpoints });
        const sending = (async () => {
          await inParts(sent.slice(round * third, (round + 1) * third), line.send);
          await inParts(told[round] ?? [], line.tell);
        })();
        await expect.poll(() => member.told.readings, { ...waits, interval: 1 }).toBeGreaterThan(20);
        await sleep(Math.random() * 100);
        await kill(member.child);
        await sending;
      }
      await line.classify(doubleModel({ steps }));
      await untilTaken(line, waits);
      await expect.poll(async () => (await line.predictions()).length, waits).toBe(wanted.length);
      expect(await labelsOf(line)).toEqual(wanted);
    },
  );
});
