import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { AppendError, type EventLog, type LogRecord } from '../core/log/port.ts';
import { GroupCommit } from './group-commit.ts';
import { Intake } from './intake.ts';
import { createCollectorMetrics } from './metrics.ts';
import { Spool } from './spool/spool.ts';
import { quickFolder, silent, until } from './testing.ts';
import { UnknownFields } from './unknown-fields.ts';

/** What the log does with an append. With `lost` and `late` its outcome is unknown: the records are lost, or are there all the same. */
type Behaviour = 'takes' | 'refuses' | 'lost' | 'late';

/** A log in memory with faults that a test chooses. */
class FaultyLog {
  behaviour: Behaviour = 'takes';
  readonly records: LogRecord[] = [];

  async append(_topic: string, records: readonly LogRecord[]): Promise<void> {
    const { behaviour } = this;
    await new Promise((resolve) => setImmediate(resolve));
    if (behaviour === 'takes' || behaviour === 'late') this.records.push(...records);
    if (behaviour === 'refuses') throw new AppendError('refused', 'unavailable');
    if (behaviour !== 'takes') throw new AppendError('unknown', 'no response');
  }
}

interface Line {
  readonly log: FaultyLog;
  /** Commits one reading of a device; resolves when it is acknowledged. */
  send(device: string, value: number): Promise<void>;
  readonly spool: Spool;
  extras(): number;
  lastError(): Intake['lastError'];
  stop(): Promise<void>;
}

function startLine(file: string, log: FaultyLog, maxBytes = 10_000_000): Line {
  const metrics = createCollectorMetrics(new Registry(), {
    waitingBytes: () => 0,
    spool: () => undefined,
    drainedPerSecond: () => 0,
    nowMs: Date.now,
    unknownFields: new UnknownFields([]),
  });
  const spool = new Spool({ file, maxBytes, logger: silent, lost: metrics.lost, nowMs: Date.now });
  const intake = new Intake({
    log: log as unknown as EventLog,
    topic: 'readings',
    spool,
    deadlineMs: 1_000,
    metrics,
    logger: silent,
    nowMs: Date.now,
  });
  intake.start();
  const groups = new GroupCommit({
    commit: (records) => intake.commit(records),
    maxGroupBytes: 1_000,
  });
  return {
    log,
    spool,
    send: (device, value) => groups.add([{ key: device, value: Buffer.from(`${device}:${value}`) }]),
    extras: () => metrics.counters.possibleExtras,
    lastError: () => intake.lastError,
    async stop() {
      await groups.close();
      await intake.stop();
    },
  };
}

async function withFolder(body: (file: string) => Promise<void>): Promise<void> {
  const folder = quickFolder();
  try {
    await body(join(folder, 'spool.db'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const texts = (log: FaultyLog): string[] => log.records.map(({ value }) => Buffer.from(value).toString());

test('while the log is unavailable readings wait in the spool, and are sent in order afterwards', () =>
  withFolder(async (file) => {
    const line = startLine(file, new FaultyLog());
    await line.send('d', 1);
    line.log.behaviour = 'refuses';
    for (let value = 2; value <= 6; value += 1) await line.send('d', value);
    expect(texts(line.log)).toEqual(['d:1']);
    expect(line.spool.size.records).toBe(5);
    expect(line.lastError()).toMatchObject({ message: 'unavailable' });
    line.log.behaviour = 'takes';
    await Promise.all([line.send('d', 7), line.send('e', 8)]);
    await until(() => line.spool.empty, Boolean);
    await line.send('d', 9);
    expect(texts(line.log)).toEqual(['d:1', 'd:2', 'd:3', 'd:4', 'd:5', 'd:6', 'd:7', 'e:8', 'd:9']);
    expect(line.extras()).toBe(0);
    expect(line.spool.size).toEqual({ records: 0, bytes: 0, oldest: undefined });
    await line.stop();
  }));

test('readings that one run leaves in the spool are sent by the next run before any new ones', () =>
  withFolder(async (file) => {
    const log = new FaultyLog();
    log.behaviour = 'refuses';
    const first = startLine(file, log);
    await first.send('d', 1);
    await first.send('d', 2);
    await first.stop();
    log.behaviour = 'takes';
    const second = startLine(file, log);
    await second.send('d', 3);
    await until(
      () => log.records.length,
      (count) => count === 3,
    );
    expect(texts(log)).toEqual(['d:1', 'd:2', 'd:3']);
    await second.stop();
  }));

test('a full spool gives 503 with Retry-After, and readings are accepted again once the log is available', () =>
  withFolder(async (file) => {
    const line = startLine(file, new FaultyLog(), 100);
    line.log.behaviour = 'refuses';
    const full = until(
      () =>
        line.send('device-with-a-name', 1).then(
          () => undefined,
          (error: unknown) => error,
        ),
      (error) => error !== undefined,
    );
    expect(await full).toMatchObject({ code: 'spool-full', status: 503, retryAfterS: 5 });
    line.log.behaviour = 'takes';
    await until(() => line.spool.empty, Boolean);
    await line.send('d', 2);
    expect(texts(line.log).at(-1)).toBe('d:2');
    await line.stop();
  }));

test('an append without a response counts its readings as possible extras, whether the log has them or not', () =>
  withFolder(async (file) => {
    for (const behaviour of ['lost', 'late'] as const) {
      const line = startLine(`${file}.${behaviour}`, new FaultyLog());
      line.log.behaviour = behaviour;
      const sent = line.send('d', 1);
      await sent;
      line.log.behaviour = 'takes';
      await until(() => line.spool.empty, Boolean);
      const copies = texts(line.log).length;
      expect(copies).toBeGreaterThanOrEqual(1);
      expect(line.extras()).toBeGreaterThanOrEqual(copies - 1);
      expect(line.extras()).toBeGreaterThan(0);
      await line.stop();
    }
  }));

type Act =
  | { readonly send: string }
  | { readonly behaviour: Behaviour }
  | { readonly wait: number }
  | { readonly kill: true };

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom('a', 'b').map((send) => ({ send })) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom<Behaviour>('takes', 'takes', 'refuses', 'lost', 'late')
      .map((behaviour) => ({ behaviour })),
  },
  { weight: 3, arbitrary: fc.nat(20).map((wait) => ({ wait })) },
  { weight: 1, arbitrary: fc.constant({ kill: true as const }) },
);

test('whatever the log does and whenever the collector is killed: nothing acknowledged is lost, order is kept, extras are counted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), (acts) =>
      withFolder(async (file) => {
        const log = new FaultyLog();
        const acknowledged: string[] = [];
        let line = startLine(file, log);
        let extras = 0;
        let value = 0;
        const sends: Promise<void>[] = [];
        for (const next of acts) {
          if ('send' in next) {
            value += 1;
            const text = `${next.send}:${value}`;
            sends.push(
              line.send(next.send, value).then(
                () => void acknowledged.push(text),
                () => {},
              ),
            );
          } else if ('behaviour' in next) log.behaviour = next.behaviour;
          else if ('wait' in next) await new Promise((resolve) => setTimeout(resolve, next.wait));
          else {
            // A kill: the process forgets all but what the disk has. What was under way may still reach the log.
            line.spool.stop();
            extras += line.extras();
            await Promise.all([line.stop(), ...sends]);
            line = startLine(file, log);
          }
        }
        log.behaviour = 'takes';
        await Promise.all(sends);
        await until(() => line.spool.empty, Boolean);
        extras += line.extras();
        await line.stop();
        check(texts(log), acknowledged, extras);
      }),
    ),
    { numRuns: 25, interruptAfterTimeLimit: 12_000 },
  );
});

function check(logged: string[], acknowledged: string[], extras: number): void {
  const firsts = [...new Set(logged)];
  expect(acknowledged.filter((text) => !firsts.includes(text))).toEqual([]);
  for (const device of ['a', 'b']) {
    const values = firsts.filter((text) => text.startsWith(device)).map((text) => Number(text.slice(2)));
    expect(values).toEqual([...values].sort((left, right) => left - right));
  }
  expect(logged.length - firsts.length).toBeLessThanOrEqual(extras);
}
