import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createSqliteLog } from '../core/log/sqlite.ts';
import { type Status, statusSchema } from '../core/wire/status.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { RunHistory } from './history.ts';
import { createSchedule, type RunningCommand, timesOf } from './schedule.ts';

const logger = pino({ level: 'silent' });
const stream = { name: 's', fields: ['a'], topics: topicsOf('s') };
const within = { timeout: 60_000, interval: 20 };

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gapline-schedule-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A command that ends when a test says so, or when it is killed. */
function command() {
  const ended = Promise.withResolvers<{ code: number | null; message: string }>();
  const end = (code: number | null, message = '') => ended.resolve({ code, message });
  return { pid: process.pid, ended: ended.promise, end, kill: vi.fn<RunningCommand['kill']>(() => end(null)) };
}

async function open(at: string, start: () => RunningCommand, graceMs?: number) {
  const log = createSqliteLog({ file: join(at, 'log.db'), logger });
  await log.start();
  await log.ensureTopics([{ name: stream.topics.status, partitions: 1, retentionMs: 1e9, retentionBytes: 1e9 }]);
  const registry = new Registry();
  const schedule = createSchedule({
    ...{ stream, log, logger, registry, start, cron: '* * * * * *', title: 'train' },
    history: new RunHistory(at, 'train'),
    ...(graceMs !== undefined && { graceMs }),
  });
  await schedule.start();
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await schedule.stop();
    await log.stop();
  };
  onTestFinished(stop);
  return {
    schedule,
    stop,
    runs: () => new RunHistory(at, 'train').read(),
    async metric(name: string, result?: string) {
      const { values = [] } = (await registry.getSingleMetric(`gapline_schedule_${name}`)?.get()) ?? {};
      return values.find(({ labels }) => result === undefined || labels.result === result)?.value;
    },
    async lastStatus(): Promise<Status | undefined> {
      let last: Status | undefined;
      for await (const records of log.tail([stream.topics.status], { since: 0, follow: false }))
        for (const { value } of records) last = statusSchema.parse(JSON.parse(new TextDecoder().decode(value)));
      return last;
    },
  };
}

it('runs when it is due, one at a time, keeps what ran, and tells of failures until one succeeds', async () => {
  const commands: ReturnType<typeof command>[] = [];
  const { runs, metric, lastStatus } = await open(folder(), () => {
    const next = command();
    commands.push(next);
    return next;
  });
  await expect.poll(() => metric('overlaps_total'), within).toBeGreaterThan(1);
  expect(commands).toHaveLength(1);
  expect(runs()).toMatchObject([{ number: 1, result: 'running', pid: process.pid }]);
  expect(await metric('running')).toBe(1);
  commands[0]?.end(3, 'no data');
  await expect.poll(() => metric('runs_total', 'failed'), within).toBe(1);
  expect(runs()[0]).toMatchObject({
    number: 1,
    result: 'failed',
    code: 3,
    message: 'no data',
    overlaps: expect.any(Number),
  });
  await expect
    .poll(async () => (await lastStatus())?.lastError?.message, within)
    .toMatch(/^run 1 of train failed \(exit code 3\): no data$/);
  await expect.poll(() => commands.length, within).toBe(2);
  commands[1]?.end(0);
  await expect.poll(() => metric('runs_total', 'succeeded'), within).toBe(1);
  await expect.poll(async () => (await lastStatus())?.lastError, within).toBeUndefined();
  expect((await lastStatus())?.counters).toMatchObject({ failed: 1 });
  expect(await metric('last_success_timestamp_seconds')).toBeGreaterThan(1e9);
});

it('ends its run when it is stopped, by force where that takes too long', async () => {
  const running = command();
  running.kill.mockImplementation((signal) => {
    if (signal === 'SIGKILL') running.end(null);
  });
  const { stop, runs } = await open(folder(), () => running, 50);
  await expect.poll(() => runs().length, within).toBe(1);
  await stop();
  expect(running.kill.mock.calls).toEqual([['SIGTERM'], ['SIGKILL']]);
  expect(runs()).toMatchObject([{ result: 'stopped', code: null }]);
});

it('lets nobody else work on the same runs, and says that a run was lost', async () => {
  const at = folder();
  const first = { number: 7, started: '2026-01-01T00:00:00Z', result: 'running', pid: 2 ** 30, overlaps: 0 };
  writeFileSync(join(at, 'train.schedule.json'), JSON.stringify({ runs: [first] }));
  const { runs } = await open(at, command);
  expect(runs()[0]).toMatchObject({ number: 7, result: 'lost' });
  expect(() => new RunHistory(at, 'train').open()).toThrow(expect.objectContaining({ code: 'schedule-active' }));
  new RunHistory(at, 'other').open();
  await expect.poll(() => runs().at(-1)?.number, within).toBe(8);
});

it('leaves out what is due while the run of an earlier schedule is alive', async () => {
  const at = folder();
  const alive = { number: 1, started: '2026-01-01T00:00:00Z', result: 'running', pid: process.ppid, overlaps: 0 };
  writeFileSync(join(at, 'train.schedule.json'), JSON.stringify({ runs: [alive] }));
  const start = vi.fn(command);
  const { runs, metric } = await open(at, start);
  await expect.poll(() => metric('overlaps_total'), within).toBeGreaterThan(0);
  expect(start).not.toHaveBeenCalled();
  expect(runs()).toMatchObject([{ number: 1, result: 'running' }]);
});

it('keeps the newest hundred runs', () => {
  const history = new RunHistory(folder(), 'train');
  history.open();
  for (let number = 1; number <= 103; number += 1)
    history.keep({ number, started: '2026-01-01T00:00:00Z', result: 'succeeded', overlaps: 0 });
  expect([history.read().length, history.read()[0]?.number]).toEqual([100, 4]);
  history.close();
});

it.each([
  ['soon', undefined, /--cron 'soon': .*expected five fields/],
  ['0 3 * * *', 'Nowhere/Land', /--cron/],
  ['0 0 31 2 *', undefined, /never due again/],
])('refuses %j in %s', (cron, timezone, message) => {
  expect(() => timesOf(cron, timezone)).toThrow(
    expect.objectContaining({ code: 'config-invalid', message: expect.stringMatching(message) }),
  );
});

it('takes the clock of a time zone', () => {
  const next = timesOf('0 3 * * *', 'Asia/Tokyo').nextRun(new Date('2026-06-01T00:00:00Z'));
  expect(next?.toISOString()).toBe('2026-06-01T18:00:00.000Z');
});
