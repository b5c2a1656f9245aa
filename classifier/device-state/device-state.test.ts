// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { afterEach, describe, expect, test } from 'vitest';
import { withoutKafka } from '../../core/log/kafka/testing.ts';
import { totalLag } from '../../core/log/port.ts';
import type { Model } from '../../core/model/model.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { classifierGroup, inputsOf } from '../classifier.ts';
import { doubleModel } from '../testing/doubles.ts';
import { type Engine, type Line, openLine, patient, silent } from '../testing/line.ts';
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

async function untilTaken({ log, stream }: Line): Promise<void> {
  const lag = async () => totalLag(await log.lag(classifierGroup(stream), inputsOf(stream)));
  await expect.poll(lag, patient).toBe(0);
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
