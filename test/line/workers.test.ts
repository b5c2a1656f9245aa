import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openLogAt } from '../../core/log/open-log.ts';
import type { Status } from '../../core/wire/status.ts';
import { eventually, gapline, type Process, spambase, temporaryFolder } from './gapline.ts';
import { identityOf, recordsFrom } from './identities.ts';

// Workers share a port on Linux only.
const here = process.platform === 'linux';
const kafka = process.env.GAPLINE_TEST_KAFKA;
const noKafka = kafka ? '' : ' (not run: GAPLINE_TEST_KAFKA names none)';

const firstMs = 1_700_000_000_000;

/** A device that sends one reading after another on a connection of its own, and each again until it is acknowledged. */
class Device {
  readonly name: string;
  readonly acknowledged: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  #next = 0;

  constructor(url: string, name: string) {
    this.#url = url;
    this.name = name;
  }

  /** The status of the answer; 0 where the connection broke. */
  post(headers: Record<string, string> = {}): Promise<number> {
    const time = `${firstMs + this.#next}000000`;
    return new Promise((resolve) => {
      const sent = request(
        `${this.#url}/readings`,
        { method: 'POST', agent: this.#agent, headers: { 'content-type': 'application/json', ...headers } },
        (answer) => {
          answer.resume();
          answer.on('end', () => {
            if (answer.statusCode === 202) {
              this.acknowledged.push(identityOf({ device: this.name, time }));
              this.#next += 1;
            }
            resolve(answer.statusCode ?? 0);
          });
          answer.on('error', () => resolve(0));
        },
      );
      sent.on('error', () => resolve(0));
      sent.end(JSON.stringify({ device: this.name, time, values: {} }));
    });
  }

  async sendUntil(done: () => boolean): Promise<void> {
    while (!done()) if ((await this.post()) !== 202) await sleep(20);
  }

  close(): void {
    this.#agent.destroy();
  }
}

const devicesAt = (url: string, count: number) => Array.from({ length: count }, (_, at) => new Device(url, `d${at}`));
const acknowledgedBy = (devices: readonly Device[]) =>
  devices.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

function workersOf({ pid }: Process): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

// One that is stopped hangs: it is ended after 30 s.
test.runIf(here && kafka).each(['SIGKILL', 'SIGSTOP'] as const)(
  `a worker that gets %s under load: the other answers, one takes its place, nothing acknowledged is lost, SIGTERM drains all${noKafka}`,
  { timeout: 180_000 },
  async (signal) => {
    const stream = `w${randomBytes(4).toString('hex')}`;
    const at = ['--config', spambase, '--set', `stream=${stream}`, '--set', 'model.name=spambase', '--set', 'topics='];
    const where = ['--log', kafka ?? '', '--data', temporaryFolder(), '--port', '0', '--no-archive'];
    const collector = gapline(['collect', ...at, ...where, '--workers', '2', '--log-level', 'error']);
    const url = await collector.printed(/collector: (\S+)/);
    const devices = devicesAt(url, 8);
    const sendAll = (done: () => boolean) => Promise.all(devices.map((device) => device.sendUntil(done)));

    // Nothing is under way, so the sum is exact, whichever worker is asked.
    await sendAll(() => acknowledgedBy(devices) >= 100);
    const before = acknowledgedBy(devices);
    for (let scrape = 0; scrape < 5; scrape += 1)
      expect(await metric(url, 'gapline_collector_readings_accepted_total')).toBe(before);

    let stopped = false;
    const sending = sendAll(() => stopped);
    const [victim = 0, survivor] = workersOf(collector);
    process.kill(victim, signal);
    await eventually(() => acknowledgedBy(devices) >= before + 200);
    await eventually(() => !workersOf(collector).includes(victim) && workersOf(collector).length === 2);
    expect(workersOf(collector)).toContain(survivor);
    expect(workersOf(collector)).not.toContain(victim);
    // The totals of the dead worker are in the sum, as far as it had reported them.
    expect(await metric(url, 'gapline_collector_readings_accepted_total')).toBeGreaterThanOrEqual(before);
    expect(await metric(url, 'gapline_collector_workers_ended_total')).toBe(1);

    collector.kill('SIGTERM');
    // An exit code of 1 would mean that something was cut off.
    expect((await collector.ended).code).toBe(0);
    stopped = true;
    await sending;
    for (const device of devices) device.close();

    const log = await openLogAt({
      ...{ url: kafka, file: () => '', secrets: () => ({}), logger: pino({ level: 'silent' }) },
    });
    const kept = (await recordsFrom<{ device: string; time: string }>(log, `${stream}.readings`)).map(identityOf);
    const acknowledged = devices.flatMap((device) => device.acknowledged);
    const found = new Set(kept);
    expect(acknowledged.filter((identity) => !found.has(identity))).toEqual([]);
    for (const device of devices) {
      // A reading may come twice, where its answer was lost; none comes for the first time after a later one.
      const times = [...new Set(kept.filter((identity) => identity.startsWith(`${device.name} `)))];
      expect(times).toEqual(times.toSorted());
    }
    const reports = await recordsFrom<Status>(
      await openLogAt({ url: kafka, file: () => '', secrets: () => ({}), logger: pino({ level: 'silent' }) }),
      `${stream}.status`,
    );
    expect(new Set(reports.map(({ instance }) => instance)).size).toBe(1);
    expect(Math.max(...reports.map(({ counters }) => counters.accepted ?? 0))).toBeGreaterThanOrEqual(before);
  },
);

test.runIf(here)('workers share a rate limit and the revocation of a token', { timeout: 60_000 }, async () => {
  const data = temporaryFolder();
  const tokens = (...args: string[]) => gapline(['tokens', ...args, '--data', data]).ended;
  const headersOf = async (name: string) => ({ authorization: `Bearer ${(await tokens('add', name)).stdout.trim()}` });
  const [quick, slow] = [await headersOf('quick'), await headersOf('slow')];
  const limit = 40;
  const at = ['--config', spambase, '--data', data, '--port', '0', '--no-archive', '--log-level', 'error'];
  const collector = gapline(['collect', ...at, '--workers', '2', '--rate-per-token', String(limit)]);
  // So many connections go to one worker alone once in 30,000 runs.
  const devices = devicesAt(await collector.printed(/collector: (\S+)/), 16);
  const statuses = async (headers: Record<string, string>) => {
    const all: number[] = [];
    for (const device of devices) all.push(await device.post(headers));
    return all;
  };
  // Two limits would let 80 through; workers that exchange counts every 250 ms let a few more than 40.
  for (let round = 0; round < 6; round += 1) {
    await statuses(quick);
    await sleep(300);
  }
  const accepted = acknowledgedBy(devices);
  expect(accepted).toBeGreaterThanOrEqual(limit);
  expect(accepted).toBeLessThan(limit + devices.length);
  expect(new Set(await statuses(quick))).toEqual(new Set([429]));
  expect(new Set(await statuses(slow))).toEqual(new Set([202]));

  expect((await tokens('revoke', 'slow')).code).toBe(0);
  // Whoever sends many wrong tokens gets 429 for them.
  await eventually(async () => (await statuses(slow)).every((status) => status === 401 || status === 429));
  for (const device of devices) device.close();
  collector.kill('SIGTERM');
  expect((await collector.ended).code).toBe(0);
});

test.runIf(here)('what a worker kept that no longer exists goes to the log', { timeout: 60_000 }, async () => {
  const data = temporaryFolder();
  const collect = (log: string, workers: string) =>
    gapline([
      ...['collect', '--config', spambase, '--data', data, '--port', '0', '--no-archive', '--log-level', 'silent'],
      ...['--log', log, '--workers', workers],
    ]);
  // Nobody listens there.
  const first = collect('kafka://127.0.0.1:1', '2');
  const devices = devicesAt(await first.printed(/collector: (\S+)/), 12);
  await Promise.all(devices.map((device) => device.post()));
  first.kill('SIGTERM');
  await first.ended;
  const spools = () => readdirSync(data).filter((file) => file.endsWith('.db') && file.includes('spool'));
  expect(spools()).toEqual(['spambase.spool-2.db', 'spambase.spool.db']);

  const file = join(data, 'gapline.db');
  const second = collect(file, '1');
  const url = await second.printed(/collector: (\S+)/);
  await eventually(async () => (await metric(url, 'gapline_collector_spool_readings')) === 0);
  second.kill('SIGTERM');
  await second.ended;
  const log = await openLogAt({ url: file, file: () => file, secrets: () => ({}), logger: pino({ level: 'silent' }) });
  const kept = (await recordsFrom<{ device: string; time: string }>(log, 'spam_data')).map(identityOf);
  expect(kept.toSorted()).toEqual(devices.flatMap(({ acknowledged }) => acknowledged).toSorted());
  expect(spools()).toEqual(['spambase.spool.db']);
});
