import pino from 'pino';
import { expect, test } from 'vitest';
import { type Status, statusSchema } from '../wire/status.ts';
import { contents, fixtureOfEachTest, patient, text } from './contract/fixture.ts';
import { sqliteUnderTest } from './sqlite/testing.ts';
import { reportStatus } from './status.ts';

const fixture = fixtureOfEachTest(() => sqliteUnderTest());

const lines: string[] = [];
const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
const snapshot = (n: number): Status => ({
  ...{ stream: 'spambase', stage: 'collector', instance: 'collector-1', at: new Date().toISOString() },
  counters: { n },
});

test('reports at once and then periodically, until it is stopped', async () => {
  const log = await fixture().open();
  const topic = await fixture().topic(log, 'status', 1);
  let n = 0;
  const report = reportStatus({ log, topic, everyMs: 10, logger, snapshot: () => snapshot(n++) });
  await expect.poll(async () => (await contents(log, topic)).length, patient).toBeGreaterThan(3);
  await report.stop();
  const records = await contents(log, topic);
  const statuses = records.map((stored) => statusSchema.parse(JSON.parse(text(stored))));
  expect(statuses.map(({ counters }) => counters.n)).toEqual(records.map((_, i) => i));
  expect(new Set(records.map(({ key }) => key))).toEqual(new Set(['collector-1']));
  expect(n).toBe(records.length);
});

test('logs once why it cannot report, throws nothing, and continues', async () => {
  const log = await fixture().open();
  const topic = fixture().name('status');
  let asked = 0;
  lines.length = 0;
  const report = reportStatus({ log, topic, everyMs: 5, logger, snapshot: async () => snapshot(asked++) });
  await expect.poll(() => asked, patient).toBeGreaterThan(5);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([expect.stringContaining(`no topic ${topic}`)]);
  await fixture().topic(log, 'status', 1);
  await expect.poll(async () => (await contents(log, topic)).length, patient).toBeGreaterThan(0);
  await report.stop();
  expect(lines).toHaveLength(1);
});
