import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createReporter } from '../../core/stage/reporter.ts';
import type { Alert, Silence } from '../../core/wire/alert.ts';
import { createAlertMetrics } from '../metrics.ts';
import { alertOf } from '../rules/message.ts';
import { TakenRecords } from '../taken.ts';
import { deliveriesIn, type Line, openLine, openReceiver, patient, type Receiver, silent } from '../testing.ts';
import { type DeliverOptions, startDelivery } from './deliver.ts';
import { Silences, silenceKey } from './silences.ts';

vi.setConfig({ testTimeout: 120_000 });

let line: Line;
let silences: Silences;
let receiver: Receiver;
const running: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  silences = new Silences();
  line = await openLine();
  receiver = await openReceiver();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((part) => part.stop()));
  await receiver.close();
  await line.close();
});

async function start(more: Partial<DeliverOptions> = {}): Promise<void> {
  await Promise.all(running.splice(0).map((part) => part.stop()));
  const { stream, log } = line;
  running.push(
    await startDelivery({
      ...{ stream, log, topic: stream.alerts.alerts, silences, giveUpAfterMs: 86_400_000, startMs: 0 },
      webhook: { name: 'ops', url: receiver.url, secret: undefined, allowPrivate: true },
      metrics: createAlertMetrics(new Registry(), () => 0),
      reporter: createReporter({ stream, stage: 'alerts' }),
      taken: new TakenRecords({ log, logger: silent, topic: stream.alerts.silences }),
      ...more,
    }),
  );
}

async function raise(subject: string, state: Alert['state'] = 'firing'): Promise<Alert> {
  const shared = { stream: line.stream.name, rule: 'bad', subject, origin: `0/${subject}`, what: 'a test' };
  const alert = alertOf({ ...shared, state, since: 1n, at: 2n, details: {} });
  const record = { key: subject, value: Buffer.from(JSON.stringify(alert)) };
  await line.log.append(line.stream.alerts.alerts, [record], { deadlineMs: 30_000 });
  return alert;
}

function silence(subject: string, until: bigint): void {
  const value: Silence = { stream: line.stream.name, rule: 'bad', subject, until: `${until}` };
  const place = { topic: line.stream.alerts.silences, partition: 0, offset: 0n, arrivedMs: 0 };
  silences.take([{ ...place, key: silenceKey('bad', subject), value: Buffer.from(JSON.stringify(value)) }]);
}

const told = () => receiver.taken().map(({ alert }) => `${alert.subject} ${alert.state}`);
const outcomes = async () =>
  (await deliveriesIn(line.log, line.stream.alerts.alerts)).map(
    (each) => `${each.subject} ${each.state} ${each.outcome}`,
  );

test.each([400, 401, 404, 410, 422, 308])(
  'a message that is refused for good (%i) is told, and holds up no other',
  async (status) => {
    await receiver.close();
    receiver = await openReceiver((count) => (count === 0 ? status : 204));
    const reporter = createReporter({ stream: line.stream, stage: 'alerts' });
    await start({ reporter });
    await raise('a');
    await expect.poll(outcomes, patient).toEqual(['a firing refused']);
    await raise('a', 'resolved');
    await expect.poll(told, patient).toEqual(['a resolved']);
    expect(receiver.received).toHaveLength(2);
    expect(reporter.status({ counters: {} }).lastError?.message).toContain(
      `webhook ops: bad of a (firing) was not delivered: `,
    );
  },
);

test.each([408, 409, 425, 429, 500, 503, 302])('a failure that passes (%i) is tried again', async (status) => {
  await receiver.close();
  receiver = await openReceiver((count) => (count === 0 ? status : 204));
  await start();
  await raise('a');
  await expect.poll(told, patient).toEqual(['a firing']);
  expect(receiver.received).toHaveLength(2);
});

test('Retry-After is waited for, by all partitions', async () => {
  await receiver.close();
  receiver = await openReceiver((count) => (count === 0 ? 429 : 204), { 'retry-after': '2' });
  const reporter = createReporter({ stream: line.stream, stage: 'alerts' });
  await start({ reporter });
  await raise('a');
  await expect.poll(() => reporter.status({ counters: {} }).lastError?.message, patient).toContain('429');
  await Promise.all(['b', 'c', 'd'].map((subject) => raise(subject)));
  await expect.poll(() => told().sort(), patient).toEqual(['a firing', 'b firing', 'c firing', 'd firing']);
  const [first, ...others] = receiver.received.map(({ atMs }) => atMs);
  expect(Math.min(...others)).toBeGreaterThanOrEqual((first ?? 0) + 2_000);
});

test('a webhook that is added gets what is younger than giveUpAfter, and a restart changes nothing of that', async () => {
  await raise('old');
  const [old] = await arrivals();
  await expect.poll(() => Date.now(), patient).toBeGreaterThan((old ?? 0) + 50);
  const startMs = Date.now();
  await raise('new');
  await start({ startMs, giveUpAfterMs: 10 });
  await expect.poll(told, patient).toEqual(['new firing']);
  await start({ startMs, giveUpAfterMs: 10 });
  await raise('newest');
  await expect.poll(told, patient).toEqual(['new firing', 'newest firing']);
});

async function arrivals(): Promise<number[]> {
  const found: number[] = [];
  for await (const records of line.log.tail([line.stream.alerts.alerts], { since: 0, follow: false }))
    found.push(...records.map(({ arrivedMs }) => arrivedMs));
  return found;
}

const forEver = 9_000_000_000_000_000_000n;

test('the recovery of an alert that was delivered is delivered in a silence, after a restart too', async () => {
  await start();
  await raise('x');
  await raise('y');
  await expect.poll(() => told().sort(), patient).toEqual(['x firing', 'y firing']);
  silence('x', forEver);
  silence('y', forEver);
  await raise('x', 'resolved');
  await expect.poll(() => told().sort(), patient).toEqual(['x firing', 'x resolved', 'y firing']);
  await start();
  await raise('y', 'resolved');
  await expect.poll(() => told().sort(), patient).toEqual(['x firing', 'x resolved', 'y firing', 'y resolved']);
});

test('the recovery of an alert that was silenced is silenced, after a restart too', async () => {
  silence('x', forEver);
  silence('y', forEver);
  await start();
  await raise('x');
  await raise('y');
  await expect.poll(async () => (await outcomes()).sort(), patient).toEqual(['x firing silenced', 'y firing silenced']);
  await raise('x', 'resolved');
  await start();
  await raise('y', 'resolved');
  await expect
    .poll(async () => (await outcomes()).sort(), patient)
    .toEqual(['x firing silenced', 'x resolved silenced', 'y firing silenced', 'y resolved silenced']);
  expect(receiver.received).toEqual([]);
});
