// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { afterEach, describe, expect, test } from 'vitest';
import { withoutKafka } from '../../core/log/kafka/testing.ts';
import type { EventLog } from '../../core/log/port.ts';
import type { Model } from '../../core/model/model.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { doubleModel } from '../testing/doubles.ts';
import { type Engine, type Line, openLine, patient, silent, untilTaken } from '../testing/line.ts';
import { DeviceState } from './device-state.ts';
import { createDeviceStates, type DeviceStates } from './following.ts';

const steps: readonly StepSpec[] = [
  {
    use: 'aggregate',
    columns: [
      { name: 'last', of: 'a', take: 'last' },
      { name: 'mean', of: 'b', take: 'mean' },
    ],
  },
  { use: 'gate', during: 'admission', lateness: '1h' },
  { use: 'join', fact: 'age', values: ['age'], lateness: '1h' },
];
const startNs = 1_700_000_000_000_000_000n;
const at = (seconds: number) => startNs + BigInt(seconds) * 1_000_000_000n;
const fact = (subject: string, kind: string, from: number, to?: number, values: Record<string, number> = {}) => ({
  ...{ subject, kind, from: `${at(from)}`, values },
  ...(to !== undefined && { to: `${at(to)}` }),
});
const reading = (device: string, seconds: number, a: number, b: number) => ({
  ...{ device, time: Number(at(seconds)), values: { a, b } },
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function lineOn(engine: Engine): Promise<Line> {
  const line = await openLine(engine, { admission: [], age: ['age'] });
  closing.push(() => line.close());
  return line;
}

function follow({ stream, log }: Line, model: Model): DeviceStates {
  const states = createDeviceStates({ stream, log, logger: silent });
  closing.push(() => states.stop());
  states.use(model);
  return states;
}

const codeOf = (error: unknown) => (error as { code?: string }).code;
/** The row, its label and its facts as text; or the code of the error. */
const answer = (states: DeviceStates, model: Model, device: string, seconds?: number) =>
  states.predict(model, device, seconds === undefined ? undefined : at(seconds)).then(
    ({ rows, output, facts }) => `${rows.values.join()} ${output.labels[0]} ${Object.keys(facts).join()}`,
    (error: unknown) => codeOf(error) ?? String(error),
  );

describe.each([['SQLite'], ...(withoutKafka ? [] : [['Kafka']])] as [Engine][])('on %s', (engine) => {
  test('a device is answered for from a checkpoint, what came since, and the facts of the time', async () => {
    const line = await lineOn(engine);
    const model = doubleModel({ steps });
    const classifier = await line.classify(model, { checkpoints: { everyRecords: 1, everyMs: 1 } });
    await line.tell(fact('p', 'admission', 0, 100), fact('p', 'age', -1_000, undefined, { age: 7 }));
    await line.send(reading('p', 10, 1, 2), reading('p', 11, 3, 4), reading('q', 10, 1, 1));
    await classifier.taken(3);
    await untilTaken(line);
    await classifier.stop();
    const states = follow(line, model);
    // The classifier stands still: this one is not in any checkpoint.
    await line.send(reading('p', 12, 2, 6));
    await expect.poll(() => answer(states, model, 'p', 20), patient).toBe('2,4,7 1 admission,age');
    expect(await answer(states, model, 'p', 99)).toBe('2,4,7 1 admission,age');
    expect(await answer(states, model, 'p', 100)).toBe('fact-missing');
    expect(await answer(states, model, 'p', 11)).toBe('row-missing');
    expect(await answer(states, model, 'q', 20)).toBe('fact-missing');
    expect(await answer(states, model, 'nobody', 20)).toBe('device-unknown');
    // Long after the admission.
    expect(await answer(states, model, 'p')).toBe('fact-missing');
    await line.tell(fact('p', 'admission', 200));
    await expect.poll(() => answer(states, model, 'p'), patient).toBe('2,4,7 1 admission,age');
  });
});

test('what the line labels of a reading is what its device gets then; asking changes nothing', async () => {
  const line = await lineOn('SQLite');
  const model = doubleModel({ steps });
  const states = follow(line, model);
  await line.tell(fact('p', 'admission', 0), fact('p', 'age', -1_000, undefined, { age: 7 }));
  const expected: string[] = [];
  const [last, sums] = [
    [5, 1, 9],
    [2, 4, 12],
  ];
  for (const [index, a] of last.entries()) {
    const b = sums[index] ?? 0;
    await line.send(reading('p', index, a, b));
    const mean = sums.slice(0, index + 1).reduce((sum, value) => sum + value, 0) / (index + 1);
    expected.push(`${a},${mean},7 ${a + mean + 7 > 10 ? 1 : 0} admission,age`);
    await expect.poll(() => answer(states, model, 'p', index), patient).toBe(expected[index]);
    expect(await answer(states, model, 'p', index)).toBe(expected[index]);
  }
});

test('another version that serves is answered for once its own state is read', async () => {
  const line = await lineOn('SQLite');
  const [first, second] = [doubleModel({ steps }), doubleModel({ version: 2, steps: steps.slice(0, 2) })];
  const states = follow(line, first);
  await line.tell(fact('p', 'admission', 0));
  await line.send(reading('p', 1, 1, 20));
  await expect.poll(() => answer(states, first, 'p', 2), patient).toBe('fact-missing');
  expect(await answer(states, second, 'p', 2)).toBe('state-restoring');
  states.use(second);
  await expect.poll(() => answer(states, second, 'p', 2), patient).toBe('1,20 1 admission');
  expect(await answer(states, first, 'p', 2)).toBe('state-restoring');
  const without = doubleModel();
  states.use(without);
  expect(await answer(states, without, 'p', 2)).toBe('row-missing');
});

test('facts that ended longer ago than the classifier keeps them leave the state here, too', async () => {
  const line = await lineOn('SQLite');
  const model = doubleModel({ steps });
  const week = 7 * 86_400;
  const state = new DeviceState(line.stream, model, 1);
  const take = async (topic: string) => state.take((await line.all(topic)).slice(-1));
  const { facts, readings } = line.stream.topics;
  for (const each of [
    fact('p', 'admission', 0, 100),
    fact('p', 'admission', 200),
    fact('p', 'age', 0, 100, { age: 7 }),
  ]) {
    await line.tell(each);
    await take(facts);
  }
  await line.send(reading('p', 100 + 3_600 + week, 1, 1));
  await take(readings);
  expect(state.factCount).toBe(3);
  await line.send(reading('p', 101 + 3_600 + week, 1, 1));
  await take(readings);
  expect(state.factCount).toBe(1);
});

test('readings that retention deleted behind a checkpoint are told, and it is not restored', async () => {
  const line = await lineOn('SQLite');
  const model = doubleModel({ steps: steps.slice(0, 2) });
  await line.tell(fact('p', 'admission', 0));
  const classifier = await line.classify(model, { checkpoints: { everyRecords: 1, everyMs: 1 } });
  await line.send(reading('p', 1, 1, 10));
  await classifier.taken(1);
  await untilTaken(line);
  await classifier.stop();
  for (const [seconds, b] of [
    [2, 20],
    [3, 30],
  ] as const)
    await line.send(reading('p', seconds, seconds, b));
  const { readings } = line.stream.topics;
  const warnings: string[] = [];
  const logger = { warn: (_: unknown, text: string) => void warnings.push(text) };
  const open = (log: EventLog) => {
    const states = createDeviceStates({ stream: line.stream, log, logger: logger as typeof silent });
    closing.push(() => states.stop());
    states.use(model);
    return states;
  };
  const states = open(line.log);
  await expect.poll(() => answer(states, model, 'p', 4), patient).toBe('3,20 1 admission');
  expect(warnings).toEqual([]);
  // The first two readings are deleted, and another member took the second one before.
  const deleted = 2n;
  const log: EventLog = {
    ...line.log,
    async *tail(topics, options) {
      for await (const records of line.log.tail(topics, options))
        yield records.filter(({ topic, offset }) => topic !== readings || offset >= deleted);
    },
    async lag(group, topics) {
      const lags = await line.log.lag(group, topics);
      return lags.map((each) => (each.end > 0n ? { ...each, committed: deleted } : each));
    },
  };
  const later = open(log);
  await expect.poll(() => answer(later, model, 'p', 4), patient).toBe('3,30 1 admission');
  expect(warnings).toEqual([expect.stringContaining('behind the checkpoint of partition')]);
});

test('readings that retention deleted while the log could not be followed are told', async () => {
  const line = await lineOn('SQLite');
  const { readings } = line.stream.topics;
  const model = doubleModel({ steps: steps.slice(0, 2) });
  await line.tell(fact('p', 'admission', 0));
  await line.send(reading('p', 1, 1, 10));
  /** Readings from here on cannot be read yet, and below there are none any more. */
  let [from, to] = [0n, 1n];
  const interrupted = new AbortController();
  const log: EventLog = {
    ...line.log,
    async *tail(topics, options) {
      const signal = AbortSignal.any([...(options.signal ? [options.signal] : []), interrupted.signal]);
      const own = interrupted.signal.aborted ? options : { ...options, signal };
      for await (const records of line.log.tail(topics, own)) {
        const found = records.filter(({ topic, offset }) => topic !== readings || (offset >= from && offset < to));
        if (found.length > 0) yield found;
      }
    },
    async lag(group, topics) {
      const lags = await line.log.lag(group, topics);
      return lags.map((each) => (each.end > 0n && topics.includes(readings) ? { ...each, committed: from } : each));
    },
  };
  const warnings: [{ readonly deleted?: number }, string][] = [];
  const logger = { warn: (about: object, text: string) => void warnings.push([about, text]) };
  const states = createDeviceStates({ stream: line.stream, log, logger: logger as typeof silent });
  closing.push(() => states.stop());
  states.use(model);
  await expect.poll(() => answer(states, model, 'p', 9), patient).toBe('1,10 1 admission');
  for (const seconds of [2, 3, 4]) await line.send(reading('p', seconds, seconds, seconds * 10));
  expect(warnings).toEqual([]);
  [from, to] = [3n, 4n];
  interrupted.abort();
  await expect.poll(() => answer(states, model, 'p', 9), patient).toBe('4,25 1 admission');
  expect(warnings.map(([{ deleted }, text]) => [deleted, text])).toEqual([
    [2, expect.stringContaining('were deleted before they were read')],
  ]);
});
