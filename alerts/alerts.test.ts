import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createReporter } from '../core/stage/reporter.ts';
import type { Stage } from '../core/stage/stage.ts';
import type { Silence } from '../core/wire/alert.ts';
import { type AlertsOptions, createAlerts } from './alerts.ts';
import { silenceKey } from './delivery/silences.ts';
import { signatureOf } from './delivery/webhook.ts';
import { ruleOf } from './rules/rule.ts';
import { alertsSchema, type RuleConfig } from './rules/schema.ts';
import { alertsIn, type Line, openLine, openReceiver, patient, type Receiver, silent } from './testing.ts';

const bad: RuleConfig = { name: 'bad', label: 'bad', probability: 0.6, readings: 3 };

vi.setConfig({ testTimeout: 120_000 });

let line: Line;
let receiver: Receiver;
let stage: Stage | undefined;
let registry: Registry;
beforeEach(async () => {
  line = await openLine();
  receiver = await openReceiver();
});
afterEach(async () => {
  await stage?.stop();
  stage = undefined;
  await receiver.close();
  await line.close();
});

async function start(rules: RuleConfig[], more: Partial<AlertsOptions> = {}): Promise<void> {
  await stage?.stop();
  registry = new Registry();
  const webhook = { name: 'ops', url: receiver.url, secret: 'secret', allowPrivate: true };
  stage = createAlerts({
    ...{ stream: line.stream, log: line.log, logger: silent, registry },
    ...{ rules: rules.map(ruleOf), webhooks: [webhook], ...more },
  });
  await stage.start();
}

const states = () => receiver.taken().map(({ alert }) => `${alert.rule} ${alert.subject} ${alert.state}`);

test('a label for so many readings in a row fires once, is resolved once, and both are sent with their signature', async () => {
  await start([bad]);
  await line.predict({ time: 1 }, { time: 2 }, { time: 3, label: 'good' }, { time: 4 }, { time: 5, probability: 0.5 });
  await line.predict({ time: 6 }, { time: 7 }, { time: 8 }, { time: 9 }, { time: 10 });
  await expect.poll(states, patient).toEqual(['bad d firing']);
  await line.predict(...[11, 12, 13, 14].map((time) => ({ time, label: 'good' })));
  await expect.poll(states, patient).toEqual(['bad d firing', 'bad d resolved']);
  const [firing, resolved] = receiver.taken();
  expect(firing?.alert).toMatchObject({ since: '6000000000', at: '8000000000', label: 'bad', probability: 0.9 });
  expect(firing?.alert.text).toContain('[firing]');
  expect(resolved?.alert.id).toBe(firing?.alert.id);
  expect(firing?.headers['idempotency-key']).toBe(firing?.alert.key);
  expect(resolved?.headers['idempotency-key']).not.toBe(firing?.alert.key);
  const signature = `${firing?.headers['gapline-signature']}`;
  const seconds = Number(/^t=(\d+),/.exec(signature)?.[1]);
  expect(signature).toBe(signatureOf('secret', seconds, firing?.body ?? Buffer.of()));
});

test('devices do not count for one another, and gaps and time count as the rule says', async () => {
  await start([{ name: 'gaps', gaps: 0.5, for: '10s' }]);
  await line.predict(
    { time: 1, device: 'a', gaps: 1 },
    { time: 20, device: 'b', gaps: 1 },
    { time: 10, device: 'a', gaps: 2 },
  );
  await line.predict({ time: 11, device: 'a', gaps: 1 });
  await expect.poll(states, patient).toEqual(['gaps a firing']);
  expect(receiver.received[0]?.alert.value).toBe(0.5);
});

test('what was counted before a restart counts after it, and nothing is sent twice', async () => {
  await start([bad]);
  await line.predict({ time: 1 }, { time: 2 });
  await expect
    .poll(
      () =>
        line.log
          .lag(`${line.stream.name}.alerts`, [line.stream.topics.predictions])
          .then((all) => all.every(({ lag }) => lag === 0)),
      patient,
    )
    .toBe(true);
  await start([bad]);
  await line.predict({ time: 3 });
  await expect.poll(states, patient).toEqual(['bad d firing']);
  await start([bad]);
  await line.predict({ time: 4 }, ...[5, 6, 7].map((time) => ({ time, label: 'good' })));
  await expect.poll(states, patient).toEqual(['bad d firing', 'bad d resolved']);
});

test('predictions from before the first start raise nothing', async () => {
  await line.predict(...[1, 2, 3, 4].map((time) => ({ time, device: 'old' })));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await start([bad]);
  await line.predict(...[1, 2, 3].map((time) => ({ time, device: 'new' })));
  await expect.poll(states, patient).toEqual(['bad new firing']);
});

test('what arrives while the stage is stopped counts, even where it had committed nothing before', async () => {
  await start([bad]);
  await stage?.stop();
  await line.predict({ time: 1 }, { time: 2 }, { time: 3 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await start([bad]);
  await expect.poll(states, patient).toEqual(['bad d firing']);
});

test('a rule that is removed while it fires resolves its alerts', async () => {
  await start([bad]);
  await line.predict({ time: 1 }, { time: 2 }, { time: 3 });
  await expect.poll(states, patient).toEqual(['bad d firing']);
  await start([{ name: 'other', label: 'worse' }]);
  await line.predict({ time: 4 });
  await expect.poll(states, patient).toEqual(['bad d firing', 'bad d resolved']);
});

test('a device that falls silent fires, and is resolved by its next reading', async () => {
  await start([{ name: 'silent', silent: '1s' }]);
  await line.read('pump');
  await expect.poll(states, patient).toEqual(['silent pump firing']);
  await line.read('pump');
  await expect.poll(() => states()[1], patient).toBe('silent pump resolved');
});

test('lag and drift are taken from what the stages report', async () => {
  await start([
    { name: 'behind', lag: 100 },
    { name: 'drift', drift: 2 },
  ]);
  const drift = { readings: 500, outside: 0, psi: 1, threshold: 0.2, drifted: 3, fields: [] };
  const common = {
    stream: line.stream.name,
    stage: 'classifier',
    instance: 'i',
    at: '2026-01-01T00:00:00Z',
    counters: {},
  };
  const report = (more: object) =>
    line.log.append(
      line.stream.topics.status,
      [{ key: 'i', value: Buffer.from(JSON.stringify({ ...common, ...more })) }],
      {
        deadlineMs: 5_000,
      },
    );
  await expect
    .poll(
      async () => {
        await report({ lag: 500, drift });
        return states().sort();
      },
      { timeout: 60_000, interval: 500 },
    )
    .toEqual([`behind classifier firing`, `drift ${line.stream.name} firing`]);
});

test('a stage that reports nothing, because it hangs or never started, is behind by what the log holds', async () => {
  const group = `${line.stream.name}.classifier`;
  await start([{ name: 'behind', lag: 3 }], { readers: { classifier: group } });
  await line.read('a');
  await line.read('b');
  await line.read('c');
  await expect.poll(states, patient).toEqual(['behind classifier firing']);
  const classifier = await line.log.drain(
    { from: [line.stream.topics.readings], group },
    async () => [],
    createReporter({ stream: line.stream, stage: 'classifier' }).deadLetter,
  );
  await expect.poll(states, patient).toEqual(['behind classifier firing', 'behind classifier resolved']);
  await classifier.stop();
});

test('a webhook that fails is tried again, with one key; one that refuses a message is left alone', async () => {
  await receiver.close();
  receiver = await openReceiver((count) => [500, 0, 429, 302, 204, 400][count] ?? 204);
  await start([bad]);
  await line.predict({ time: 1 }, { time: 2 }, { time: 3 });
  await expect.poll(states, patient).toEqual(['bad d firing']);
  expect(new Set(receiver.received.map(({ alert }) => alert.key)).size).toBe(1);
  await line.predict(...[4, 5, 6].map((time) => ({ time, label: 'good' })), ...[7, 8, 9].map((time) => ({ time })));
  await expect.poll(states, patient).toEqual(['bad d firing', 'bad d firing']);
  expect(await registry.metrics()).toContain('gapline_alerts_deliveries_total{webhook="ops",outcome="refused"} 1');
});

test('a silenced alert fires and is not delivered', async () => {
  const silence: Silence = { stream: line.stream.name, rule: 'bad', subject: 'a', until: '9000000000000000000' };
  const record = { key: silenceKey('bad', 'a'), value: Buffer.from(JSON.stringify(silence)) };
  await line.log.append(line.stream.alerts.silences, [record], { deadlineMs: 5_000 });
  await start([{ name: 'bad', label: 'bad' }]);
  await line.predict({ time: 1, device: 'a' });
  await line.predict({ time: 2, device: 'b' });
  await expect.poll(states, patient).toEqual(['bad b firing']);
  await expect.poll(() => alertsIn(line.log, line.stream.alerts.alerts).then((all) => all.length), patient).toBe(2);
});

test('more subjects than a rule may watch are counted, and raise nothing', async () => {
  await start([{ name: 'bad', label: 'bad' }], { maxSubjects: 1 });
  const devices = Array.from({ length: 40 }, (_, number) => `d${number}`);
  await line.predict(...devices.map((device, time) => ({ device, time })));
  await expect.poll(() => states().length, patient).toBe(3);
  await expect.poll(() => registry.metrics(), patient).toContain('gapline_alerts_subjects_left_out_total 37');
});

test('the configuration names what contradicts itself', () => {
  const problems = [
    { name: 'a' },
    { name: 'a', label: 'x', lag: 3 },
    { name: 'a', silent: '1s' },
    { name: 'a', label: 'x', readings: 2, for: '1s' },
    { name: 'a', gaps: 0.5, probability: 0.5 },
    { name: 'a', drift: 1, readings: 2 },
  ].map((rule) => alertsSchema.safeParse({ rules: [rule] }).error?.issues[0]?.message);
  expect(problems).toEqual([
    'expected one of label, gaps, silent, drift, lag in a rule, found none',
    'expected one of label, gaps, silent, drift, lag in a rule, found label and lag',
    'silent is 5s at least',
    'a rule has readings or for, not both',
    'probability stands with label only',
    'readings stands with label or gaps only',
  ]);
});
