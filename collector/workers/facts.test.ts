import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { AppendError, type EventLog } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { Fact } from '../../core/wire/fact.ts';
import { createCollector } from '../collector.ts';
import { pumps, quickFolder, silent, until } from '../testing.ts';
import { linkToPrimary, type ParentChannel } from './link.ts';
import { createWorkers } from './workers.ts';

const stream = { ...pumps, facts: { admission: [] } };
const patientMs = 30_000;

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Workers that are no processes of their own, and may each have a log that fails when the others' do not. */
async function startWorkers(isUnavailable: (slot: number) => boolean, withSpool = true) {
  const folder = quickFolder();
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const log = createSqliteLog({ file: join(folder, 'gapline.db'), logger: silent });
  await log.start();
  closing.push(() => log.stop());
  await log.ensureTopics(
    Object.values(stream.topics).map((name) => ({ name, partitions: 3, retentionMs: 86_400_000 })),
  );
  const logOf = (slot: number): EventLog => ({
    ...log,
    append: (topic, records, options) =>
      isUnavailable(slot) && topic === stream.topics.facts
        ? Promise.reject(new AppendError('refused', 'it is unavailable'))
        : log.append(topic, records, options),
    tail: (topics, options) => log.tail(topics, options),
    lag: (group, topics) => log.lag(group, topics),
  });
  const spoolOf = (slot: number) => withSpool && { spool: { file: join(folder, `spool-${slot}.db`) } };
  const urls: string[] = [];
  const registry = new Registry();
  const workers = createWorkers({
    ...{ stream, log: logOf(0), logger: silent, registry, count: 2, host: '127.0.0.1', port: 0, ...spoolOf(0) },
    start(slot) {
      const { child, parent } = pairOfChannels();
      const link = linkToPrimary(parent, () => {});
      const collector = createCollector({
        ...{ stream, log: logOf(slot), logger: silent, registry: new Registry(), host: '127.0.0.1', port: 0, link },
        ...spoolOf(slot),
      });
      void collector.start().then(() => {
        urls[slot] = collector.url;
        link.listening(collector.url);
      });
      void link.stopped.then(() => collector.stop()).then(() => child.emit('exit', 0, null));
      return child;
    },
  });
  await workers.start();
  closing.push(() => workers.stop());
  const tell = async (slot: number, fact: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(new URL('/facts', urls[slot]), {
      ...{ method: 'POST', headers },
      body: JSON.stringify(fact),
    });
    const { code } = (await response.json()) as { code?: string };
    return { status: response.status, code };
  };
  const stored = async () => {
    const facts: Fact[] = [];
    for await (const records of log.tail([stream.topics.facts], { since: 0, follow: false }))
      for (const { value } of records) facts.push(JSON.parse(Buffer.from(value).toString()) as Fact);
    return facts;
  };
  return { tell, stored, metrics: async () => (await fetch(new URL('/metrics', urls[1]))).text() };
}

/** Both ends of what a process and its child send each other. */
function pairOfChannels() {
  const [ends, child] = [new EventEmitter(), new EventEmitter()];
  const sendTo = (other: EventEmitter) => (message: unknown, sent: (error: Error | null) => void) => {
    setImmediate(() => {
      other.emit('message', JSON.parse(JSON.stringify(message)));
      sent(null);
    });
    return true;
  };
  const parent: ParentChannel = Object.assign(ends, { send: sendTo(child) });
  const process = Object.assign(child, { send: sendTo(ends), connected: true, pid: 1, kill: () => true });
  return { child: process as unknown as ChildProcess, parent };
}

const admission = { subject: 'p', kind: 'admission', from: '2026-01-03T10:00:00Z' };
const corrected = { ...admission, to: '2026-01-05T12:00:00Z' };

test('a correction that one worker takes is behind the fact that another one took while the log was unavailable', async () => {
  let [firstTold, correctionTold] = [false, false];
  // The log is back before the worker that waits for it tries again.
  const workers = await startWorkers((slot) => !firstTold || (slot === 1 && !correctionTold));
  expect(await workers.tell(1, admission)).toMatchObject({ status: 202 });
  firstTold = true;
  expect(await workers.tell(2, corrected)).toMatchObject({ status: 202 });
  correctionTold = true;
  const facts = await until(workers.stored, ({ length }) => length === 2, patientMs);
  expect(facts.map(({ to }) => to)).toEqual([undefined, '1767614400000000000']);
  const metrics = await workers.metrics();
  expect(metrics).toContain('gapline_collector_facts_accepted_total 2');
  expect(metrics).toMatch(/gapline_collector_spooled_total [12]\n/);
});

test('a worker answers with the reason why the primary process did not take its facts', async () => {
  let unavailable = true;
  const workers = await startWorkers(() => unavailable, false);
  expect(await workers.tell(1, admission)).toEqual({ status: 503, code: 'log-unavailable' });
  unavailable = false;
  expect(await workers.tell(1, admission)).toMatchObject({ status: 202 });
  expect(await workers.stored()).toHaveLength(1);
});
