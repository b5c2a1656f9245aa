import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGenerator, type GeneratorOptions } from './generator.ts';
import { byDevice, byIdentity, identityOf, type Mood, openCollector } from './testing/collector.ts';
import { optionsOf } from './testing/source.ts';

const patient = { timeout: 15_000, interval: 5 };
const start = '1700000000000000000';

let folder: string;
let progressFile: string;
let ledgerFile: string;
const closes: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-generator-'));
  progressFile = join(folder, 'state', 'progress.json');
  ledgerFile = join(folder, 'ledger.ndjson');
});
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function collectorOf(mood?: (request: number) => Mood) {
  const collector = await openCollector(mood);
  closes.push(collector.close);
  return collector;
}

/** A collector that takes so many requests and then answers 503 until it is released. */
async function heldAfter(requests: number) {
  let held = true;
  const collector = await collectorOf((request) => (held && request >= requests ? 503 : 'take'));
  return Object.assign(collector, {
    release() {
      held = false;
    },
    full: () => vi.waitFor(() => expect(collector.requests()).toBeGreaterThan(requests), patient),
  });
}

async function begin(url: string, changes: Partial<GeneratorOptions> = {}) {
  const generator = createGenerator(optionsOf(url, changes));
  await generator.start();
  closes.push(generator.stop);
  return generator;
}

/** Everything that a collector takes from a generator that comes to its end. */
async function linesOf(changes: Partial<GeneratorOptions>, mood?: (request: number) => Mood): Promise<string[]> {
  const collector = await collectorOf(mood);
  const generator = await begin(collector.url, changes);
  await generator.finished;
  return collector.lines;
}

test('a progress file that cannot be written holds the readings back, and they continue once it can', async () => {
  const collector = await heldAfter(3);
  const generator = await begin(collector.url, { progressFile, rate: 0, count: 60_000, batch: 100, repeat: true });
  await collector.full();
  // Where the folder was there is a file now: for a process that may do anything, too, nothing can be written.
  rmSync(dirname(progressFile), { recursive: true });
  writeFileSync(dirname(progressFile), 'in the way');
  collector.release();
  const before = () => generator.totals().accepted;
  await vi.waitFor(() => expect(before()).toBeGreaterThan(40_000), patient);
  expect(before()).toBeLessThan(60_000);
  rmSync(dirname(progressFile));
  expect(await generator.finished).toMatchObject({ accepted: 60_000 });
});

test('a progress file that could never be written is an error of the start', async () => {
  mkdirSync(progressFile, { recursive: true });
  const collector = await collectorOf();
  await expect(begin(collector.url, { progressFile })).rejects.toMatchObject({ code: 'file-unusable' });
});

const ledgerOf = () => readFileSync(ledgerFile, 'utf8').trim().split('\n').map(identityOf);

describe('the same seed and start', () => {
  test('give the same readings of each device, in order, whatever the concurrency and the batches', async () => {
    const [one, ...others] = await Promise.all(
      [
        { concurrency: 1, batch: 1 },
        { concurrency: 5, batch: 1 },
        { concurrency: 3, batch: 7 },
        { concurrency: 64, batch: 1_000 },
      ].map((changes) => linesOf({ ...changes, start, count: 230 })),
    );
    expect(one).toHaveLength(230);
    for (const other of others) expect(byDevice(other)).toEqual(byDevice(one!));
  });

  test('give the same readings through an unreliable collector, each at least once and in order', async () => {
    const moods: Mood[] = ['take', 503, 'take and break', 'take'];
    const lines = await linesOf({ start, count: 100 }, (request) => moods[request % 4]!);
    const calm = await linesOf({ start, count: 100 });
    expect(byIdentity(lines)).toEqual(byIdentity(lines.filter((line) => calm.includes(line))));
    const once = Object.values(byDevice(lines)).map((own) => [...new Set(own)]);
    expect(once).toEqual(Object.values(byDevice(lines)).map((own) => byDevice(calm)[JSON.parse(own[0]!).device]));
  });

  test('another seed, start or pattern gives others', async () => {
    const base = { start, count: 100, gaps: { rate: 0.3, pattern: 'burst', length: 5 } } as const;
    const lines = await linesOf(base);
    for (const change of [{ seed: 2 }, { start: '1' }, { gaps: { ...base.gaps, pattern: 'random' } as const }])
      expect((await linesOf({ ...base, ...change })).toSorted()).not.toEqual(lines.toSorted());
  });
});

test('a reading names its device, time, values with null for gaps, and truth', async () => {
  const lines = await linesOf({ start, count: 5, gaps: { rate: 0.5, pattern: 'random', length: 1 } });
  const { device, time, values, truth } = JSON.parse(lines[0]!);
  expect(device).toMatch(/^device-[1-5]$/);
  expect(BigInt(time)).toBeGreaterThanOrEqual(BigInt(start));
  expect(Object.keys(values)).toEqual(['field "0"', 'field "1"', 'field "2"', 'field "3"']);
  expect(['x', 'y']).toContain(truth);
  expect(lines.join()).toContain('null');
});

test('without repetition each row is sent once, and the end is reported', async () => {
  const collector = await collectorOf();
  const generator = await begin(collector.url, { repeat: false, progressFile });
  expect(await generator.finished).toMatchObject({ sent: 100, accepted: 100, retried: 0, values: 400 });
  expect(byIdentity(collector.lines).size).toBe(100);
  // What is complete restarts.
  expect(existsSync(progressFile)).toBe(false);
});

test('each time of a device is after the one before', async () => {
  for (const rate of [0, 100_000]) {
    const lines = await linesOf({ count: 300, rate });
    for (const own of Object.values(byDevice(lines))) {
      const times = own.map((line) => BigInt(JSON.parse(line).time));
      expect(times.every((time, at) => at === 0 || time > times[at - 1]!)).toBe(true);
    }
  }
});

test('a permanent refusal stops it with what the collector reported, and nothing is dropped in silence', async () => {
  const collector = await collectorOf((request) => (request === 10 ? 400 : 'take'));
  const generator = await begin(collector.url, { concurrency: 1, ledgerFile });
  await expect(generator.failed).rejects.toThrow('answered 400: not today');
  await expect(generator.finished).rejects.toMatchObject({ code: 'collector-refused' });
  expect(generator.totals()).toMatchObject({ accepted: 10 });
  expect(ledgerOf()).toHaveLength(10);
});

test('the gap rate follows the slider, and what was made before stays as it was', async () => {
  const collector = await collectorOf();
  const generator = await begin(collector.url, { gaps: { rate: 0, pattern: 'random', length: 1 } });
  await vi.waitFor(() => expect(generator.totals().accepted).toBeGreaterThan(50), patient);
  expect(generator.totals().gaps).toBe(0);
  generator.setGapRate(1);
  const { accepted } = generator.totals();
  await vi.waitFor(() => expect(generator.totals().accepted).toBeGreaterThan(accepted + 50), patient);
  await generator.stop();
  expect(generator.gapRate).toBe(1);
  for (const own of Object.values(byDevice(collector.lines))) {
    const gaps = own.map((line) => line.split('null').length - 1);
    expect(gaps.at(-1)).toBe(4);
    expect(gaps.toSorted((a, b) => a - b)).toEqual(gaps);
    expect(new Set(gaps)).toEqual(new Set([0, 4]));
  }
});

describe('a restart', () => {
  test('resumes where a stop left off: no reading is lost or sent again', async () => {
    const collector = await heldAfter(60);
    const changes = { start, count: 400, progressFile, ledgerFile };
    const first = await begin(collector.url, changes);
    await collector.full();
    await first.stop();
    collector.release();
    const accepted = collector.lines.length;
    const second = await begin(collector.url, changes);
    expect(second.totals().before).toBe(accepted);
    await second.finished;
    expect(collector.lines).toHaveLength(400);
    expect(byIdentity(collector.lines)).toEqual(byIdentity(await linesOf({ start, count: 400 })));
    expect(ledgerOf().toSorted()).toEqual([...byIdentity(collector.lines).keys()].toSorted());
  });

  test('with other concurrency sends some again, the same as they were, and loses none', async () => {
    const collector = await heldAfter(60);
    const changes = { start, count: 400, progressFile };
    const first = await begin(collector.url, { ...changes, concurrency: 2 });
    await collector.full();
    await first.stop();
    collector.release();
    await (await begin(collector.url, { ...changes, concurrency: 5, batch: 3 })).finished;
    expect(byIdentity(collector.lines)).toEqual(byIdentity(await linesOf({ start, count: 400 })));
  });

  test('without a given start continues from now, at another rate too, and repeats no identity', async () => {
    const collector = await heldAfter(60);
    let nowMs = 1_000_000;
    const changes = { count: 300, progressFile, now: () => (nowMs += 0.01) };
    const first = await begin(collector.url, changes);
    await collector.full();
    await first.stop();
    collector.release();
    nowMs = 5_000_000;
    await (await begin(collector.url, { ...changes, rate: 100_000 })).finished;
    expect(byIdentity(collector.lines).size).toBe(collector.lines.length);
    const times = collector.lines.map((line) => Number(BigInt(JSON.parse(line).time) / 1_000_000n));
    const before = times.filter((time) => time < 1_100_000);
    const after = times.filter((time) => time >= 5_000_000);
    expect(before.length + after.length).toBe(300);
    // What was made but not accepted when the first run stopped keeps its time.
    expect(before.length).toBeLessThan(120);
    for (const own of Object.values(byDevice(collector.lines)))
      expect(own.map(identityOf)).toEqual(own.map(identityOf).toSorted());
  });

  test('of another stream restarts, behind the times of the old one', async () => {
    const collector = await heldAfter(60);
    const nowMs = 1_000_000;
    const changes = { progressFile, now: () => nowMs };
    const first = await begin(collector.url, changes);
    await collector.full();
    await first.stop();
    collector.release();
    const second = await begin(collector.url, { ...changes, seed: 2, count: 50 });
    await second.finished;
    expect(second.totals()).toMatchObject({ before: 0, accepted: 50 });
    expect(byIdentity(collector.lines).size).toBe(collector.lines.length);
  });

  test('after a kill sends again what it must, the same as it was, and nothing of it is missing from the ledger', async () => {
    const collector = await collectorOf();
    const changes = { start, count: 1_500, batch: 4, progressFile, ledgerFile };
    for (const kill of [200, 700, undefined]) {
      const child = fork(join(import.meta.dirname, 'testing', 'process.ts'), { stdio: 'inherit' });
      child.send({ url: collector.url, changes });
      const exited = once(child, 'exit');
      if (kill !== undefined) {
        await vi.waitFor(() => expect(collector.lines.length).toBeGreaterThan(kill), patient);
        child.kill('SIGKILL');
      }
      await exited;
    }
    const taken = byIdentity(collector.lines);
    expect(taken).toEqual(byIdentity(await linesOf({ start, count: 1_500, batch: 4 })));
    expect(new Set(ledgerOf())).toEqual(new Set(taken.keys()));
  });

  test('with a slider that moved before makes readings again as they were', async () => {
    // The collector takes them and does not acknowledge: everything under way when it stops is made a second time.
    let silent = false;
    const collector = await collectorOf(() => (silent ? 'take and break' : 'take'));
    const changes = {
      start,
      count: 600,
      batch: 5,
      progressFile,
      gaps: { rate: 0.2, pattern: 'device', length: 5 },
    } as const;
    const first = await begin(collector.url, changes);
    for (const rate of [0.9, 0.1, 0.5]) {
      const { accepted } = first.totals();
      await vi.waitFor(() => expect(first.totals().accepted).toBeGreaterThan(accepted + 30), patient);
      first.setGapRate(rate);
    }
    silent = true;
    const taken = collector.lines.length;
    await vi.waitFor(() => expect(collector.lines.length).toBeGreaterThan(taken + 20), patient);
    await first.stop();
    silent = false;
    await (await begin(collector.url, changes)).finished;
    expect(byIdentity(collector.lines).size).toBe(600);
    expect(collector.lines.length).toBeGreaterThan(600);
  });

  test('from a file that is broken restarts', async () => {
    const collector = await collectorOf();
    await (await begin(collector.url, { progressFile, count: 10 })).finished;
    writeFileSync(progressFile, '{"format":1');
    const generator = await begin(collector.url, { progressFile, count: 10 });
    expect(await generator.finished).toMatchObject({ before: 0, accepted: 10 });
  });
});
