// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openReceiver } from '../../alerts/testing.ts';
import { kafkaUnderTest, testKafka, withoutKafka } from '../../core/log/kafka/testing.ts';
import { gapline, type Process, root, temporaryFolder } from './gapline.ts';

const deviceCount = 4;
const phases = 4;
/** Readings of a phase; a rule wants three in a row. */
const perPhase = 5;

const killed = ['collector', 'alerts', 'dashboard'] as const;
type Stage = (typeof killed)[number] | 'classifier';

/** A line of processes that are started again when they are killed. */
function startLine(common: readonly string[], folder: string) {
  const commands: Record<Stage, readonly string[]> = {
    collector: ['collect', '--no-archive', ...common, '--data', join(folder, 'collector')],
    classifier: ['classify', ...common],
    alerts: ['alerts', 'run', ...common],
    dashboard: ['dashboard', ...common],
  };
  const running = new Map<Stage, Process>();
  const ports: Partial<Record<Stage, string>> = {};
  async function start(stage: Stage): Promise<void> {
    const process = gapline([...commands[stage], '--port', ports[stage] ?? '0', '--log-level', 'error']);
    running.set(stage, process);
    // Each life does some work.
    ports[stage] = await process.printed(/http:\/\/127\.0\.0\.1:(\d+)/);
  }
  return {
    start,
    url: () => `http://127.0.0.1:${ports.collector}`,
    async kill(stage: Stage): Promise<void> {
      const process = running.get(stage);
      process?.kill('SIGKILL');
      await process?.ended;
    },
  };
}

/** Sends a reading until it is accepted. */
async function send(url: string, device: string, time: string, isEmpty: boolean): Promise<void> {
  const body = JSON.stringify({ device, time, values: isEmpty ? {} : full });
  for (;;) {
    const response = await fetch(`${url}/readings`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body },
      signal: AbortSignal.timeout(5_000),
    }).catch(() => undefined);
    if (response?.status === 202) return;
    if (response && response.status < 500 && response.status !== 429) throw new Error(await response.text());
    await sleep(50);
  }
}

const names = ['make', 'address', 'all', '3d', 'our', 'over', 'remove', 'internet', 'order', 'mail', 'receive', 'will'];
const full = Object.fromEntries(
  [
    ...names,
    'people',
    'report',
    'addresses',
    'free',
    'business',
    'email',
    'you',
    'credit',
    'your',
    'font',
    '000',
    'money',
  ]
    .map((name) => [`word_freq_${name}`, 0.1])
    .concat(
      ['hp', 'hpl', 'george', '650', 'lab', 'labs', 'telnet', '857', 'data', '415'].map((name) => [
        `word_freq_${name}`,
        0,
      ]),
    ),
);

const startS = Math.floor(Date.now() / 1_000) - 100_000;
const timeOf = (phase: number, at: number): string => `${BigInt(startS + phase * 100 + at) * 1_000_000_000n}`;

/** Each device sends empty and full readings in turn, five of each, one after another. */
async function sendAll(url: string): Promise<void> {
  const devices = Array.from({ length: deviceCount }, async (_, device) => {
    for (let phase = 0; phase < phases; phase++)
      for (let at = 0; at < perPhase; at++) {
        await send(url, `d${device}`, timeOf(phase, at), phase % 2 === 0);
        await sleep(60 * Math.random());
      }
  });
  await Promise.all(devices);
}

/** What must be told: of each device that it fires with each empty phase, and is resolved with the next. */
function expected(): string[] {
  return Array.from({ length: deviceCount }, (_, device) =>
    Array.from({ length: phases / 2 }, (__, turn) =>
      ['firing', 'resolved'].map((state) => `d${device} ${timeOf(2 * turn, 0)} ${state}`),
    ),
  )
    .flat(2)
    .sort();
}

describe.each([
  ['SQLite', undefined],
  ['Kafka', withoutKafka],
] as const)('on %s', (engine, notRun) => {
  test.skipIf(notRun)(
    `each alert is delivered, with one key, while alerts, collector and page are killed and the webhook fails half of the time${notRun ? `: ${notRun}` : ''}`,
    { timeout: 600_000 },
    async () => {
      const folder = temporaryFolder();
      const stream = `t${randomUUID().slice(0, 8)}`;
      const receiver = await openReceiver(() => (Math.random() < 0.5 ? 204 : Math.random() < 0.5 ? 503 : 0));
      onTestFinished(() => receiver.close());
      if (engine === 'Kafka') {
        const site = await kafkaUnderTest();
        onTestFinished(() => site.remove(stream));
      }
      const config = join(folder, 'stream.yaml');
      const webhook = { name: 'ops', url: `${receiver.url}`, allowPrivate: true };
      const rules = [{ name: 'holes', gaps: 0.9, readings: 3 }];
      const model = { name: 'spambase', folder: join(root, 'examples/spambase/models') };
      writeFileSync(
        config,
        JSON.stringify({ stream, model, log: { partitions: 2 }, alerts: { rules, webhooks: [webhook] } }),
      );
      const log = engine === 'Kafka' ? `${testKafka}` : join(folder, 'log.db');
      const line = startLine(['--config', config, '--log', log], folder);
      await line.start('alerts');
      for (const stage of ['classifier', 'collector', 'dashboard'] as const) await line.start(stage);

      const state = { isSending: true };
      const sending = sendAll(line.url()).finally(() => {
        state.isSending = false;
      });
      for (let round = 0; round < 4 || state.isSending; round++) {
        await sleep(1_500 * Math.random());
        const victim = killed[round % killed.length] ?? 'alerts';
        await line.kill(victim);
        await line.start(victim);
      }
      await sending;

      const told = () => receiver.taken().map(({ alert }) => `${alert.subject} ${alert.since} ${alert.state}`);
      await expect.poll(() => [...new Set(told())].sort(), { timeout: 300_000, interval: 100 }).toEqual(expected());
      const keys = new Map<string, Set<string>>();
      for (const { alert, headers } of receiver.received) {
        const what = `${alert.subject} ${alert.since} ${alert.state}`;
        keys.set(what, (keys.get(what) ?? new Set()).add(`${headers['idempotency-key']}`));
      }
      expect([...keys.values()].every((own) => own.size === 1)).toBe(true);
      expect(new Set([...keys.values()].flatMap((own) => [...own])).size).toBe(expected().length);
      expect(receiver.received.length).toBeGreaterThan(expected().length);
    },
  );
});
