import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import type { EventLog } from '../core/log/port.ts';
import { createSqliteLog } from '../core/log/sqlite.ts';
import { createDashboard } from './dashboard.ts';
import type { Snapshot } from './events.ts';
import { MemoryLog } from './testing/memory-log.ts';
import { SimulatedLine } from './testing/simulated-line.ts';

const logger = pino({ level: 'silent' });
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const made = new MemoryLog();
const fields = Array.from({ length: 20 }, (_, index) => `field ${index}`);
const line = new SimulatedLine({ log: made, fields, classes: ['ham', 'spam'], gapRate: 0.2 });

async function openLog(): Promise<EventLog> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-page-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  const log = createSqliteLog({ file: join(folder, 'log.db'), logger });
  await log.start();
  cleanUps.push(() => log.stop());
  const topics = Object.values(line.stream.topics);
  await log.ensureTopics(topics.map((name) => ({ name, partitions: 12, retentionMs: 3_600_000 })));
  return log;
}

async function openPage(log: EventLog): Promise<() => Promise<Snapshot>> {
  const dashboard = createDashboard({ stream: line.stream, log, logger, host: '127.0.0.1', port: 0 });
  await dashboard.start();
  cleanUps.push(() => dashboard.stop());
  return async () => (await (await fetch(`${dashboard.url}/stats`)).json()) as Snapshot;
}

/** Appends so many readings and their predictions to the log, in batches as a collector and a classifier would. */
async function write(log: EventLog, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    line.write(Date.now(), Math.min(left, 500));
    const byTopic = Map.groupBy(made.takeAll(), ({ topic }) => topic);
    for (const [topic, records] of byTopic) await log.append(topic, records, { deadlineMs: 20_000 });
  }
}

const total = ({ seconds }: Snapshot, what: 'readings' | 'labels') =>
  seconds.reduce((sum, second) => sum + second[what], 0);

test('what the embedded log holds and what comes is counted to the last record', async () => {
  const log = await openLog();
  await write(log, 700);
  const stats = await openPage(log);
  const shows = (count: number) =>
    vi.waitFor(
      async () => {
        const snapshot = await stats();
        expect([total(snapshot, 'readings'), total(snapshot, 'labels')]).toEqual([count, count]);
      },
      { timeout: 15_000 },
    );
  await shows(700);
  await write(log, 300);
  await shows(1_000);
  const { recent, gaps, score, model } = await stats();
  expect(recent).toHaveLength(8);
  expect(gaps.share).toBeCloseTo(0.2, 1);
  expect(score.accuracy).toBeGreaterThan(0.8);
  expect(model).toMatchObject({ name: 'spambase', version: 1 });
});

test('a flood is sampled, and still counted to the last record', async () => {
  const log = await openLog();
  const stats = await openPage(log);
  await write(log, 20_000);
  await vi.waitFor(
    async () => {
      const snapshot = await stats();
      expect([total(snapshot, 'readings'), total(snapshot, 'labels')]).toEqual([20_000, 20_000]);
    },
    { timeout: 15_000 },
  );
  const { gaps, score } = await stats();
  expect(gaps.share).toBeGreaterThan(0.17);
  expect(gaps.share).toBeLessThan(0.23);
  expect(score.accuracy).toBeGreaterThan(0.8);
  await vi.waitFor(async () => expect((await stats()).stages.map(({ stage }) => stage)).toEqual(['dashboard']));
});
