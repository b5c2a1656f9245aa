import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect } from 'vitest';
import { describeError } from '../../wire/errors.ts';
import type { EventLog, LogRecord, Output, PipeHandlers, StoredRecord, TopicSpec } from '../port.ts';
import type { LogAddress, Task } from './child.ts';

/** Where a suite makes its logs. */
export interface LogUnderTest {
  /** A client of the log that is not started yet. All clients of one underTest see the same log. */
  create(): EventLog;
  /** How a child process finds the same log. */
  readonly address: LogAddress;
  /** Removes what the test made; all its names begin with `prefix`. */
  remove(prefix: string): Promise<void>;
}

/** As {@link LogUnderTest}, but the client may come later, as from `openLogAt`. */
export type LogToOpen = Omit<LogUnderTest, 'create'> & { create(): EventLog | Promise<EventLog> };

/** How long a condition may take on a busy machine. */
export const patient = { timeout: 60_000, interval: 20 };
export const testTimeoutMs = 120_000;
export const deadline = { deadlineMs: 30_000 };
export const silent = pino({ level: 'silent' });

/** What one test works with: a log of its own, unique names, and everything that it started stopped after it. */
export class LogFixture {
  readonly #log: LogToOpen;
  readonly #logs: EventLog[] = [];
  readonly #children: ChildProcess[] = [];
  readonly prefix = `t${randomUUID().slice(0, 8)}`;

  constructor(underTest: LogToOpen) {
    this.#log = underTest;
  }

  async open(): Promise<EventLog> {
    const log = await this.#log.create();
    this.#logs.push(log);
    await log.start();
    return log;
  }

  /** A name that no other test has, for a topic or a group. */
  name(name: string): string {
    return `${this.prefix}.${name}`;
  }

  /** Makes a topic with an unlimited life and returns its name. */
  async topic(log: EventLog, name: string, partitions = 3, bounds: Partial<TopicSpec> = {}): Promise<string> {
    await log.ensureTopics([{ name: this.name(name), partitions, retentionMs: 7 * 86_400_000, ...bounds }]);
    return this.name(name);
  }

  /** Starts a child process on the same log; `told` collects what it says. */
  spawn(task: Task): { child: ChildProcess; told: string[] } {
    const told: string[] = [];
    const child = fork(join(import.meta.dirname, 'child.ts'), [JSON.stringify({ address: this.#log.address, task })], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    child.on('message', (message) => told.push(String(message)));
    this.#children.push(child);
    return { child, told };
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(kill));
    await Promise.all(this.#logs.map((log) => log.stop()));
    await this.#log.remove(this.prefix);
  }
}

/** Ends a child as a power cut would, and waits until it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Gives each test of a suite a fixture of its own. */
export function fixtureOfEachTest(makeLog: () => Promise<LogToOpen>): () => LogFixture {
  let fixture: LogFixture | undefined;
  beforeEach(async () => {
    fixture = new LogFixture(await makeLog());
  });
  afterEach(async () => {
    await fixture?.close();
  });
  return () => fixture!;
}

export const record = (key: string | null, value: string | number): LogRecord => ({
  key,
  value: Buffer.from(String(value)),
});
export const text = ({ value }: LogRecord): string => Buffer.from(value).toString();
export const texts = (records: readonly LogRecord[]): string[] => records.map(text);
/** Numbers from `from` up to but not including `to`, as records of a few devices. */
export const numbered = (from: number, to: number, devices = 5): LogRecord[] =>
  Array.from({ length: to - from }, (_, i) => record(`device-${(from + i) % devices}`, from + i));
export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));
export const sorted = (values: readonly string[]): string[] => [...values].sort((a, b) => Number(a) - Number(b));

/** All that a topic holds now. */
export async function contents(log: EventLog, topic: string): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  for await (const batch of log.tail([topic], { since: 0, follow: false })) all.push(...batch);
  return all;
}

/** Waits until a topic holds as many records as expected, and checks that it holds exactly those, in any order. */
export async function expectContents(log: EventLog, topic: string, expected: readonly string[]): Promise<void> {
  let count = 0;
  const signal = AbortSignal.timeout(patient.timeout);
  if (expected.length > 0) {
    for await (const batch of log.tail([topic], { since: 0, signal })) {
      count += batch.length;
      if (count >= expected.length) break;
    }
  }
  expect(sorted(texts(await contents(log, topic)))).toEqual(sorted(expected));
}

/** A pipe that copies each record to a topic; dead letters go to another with their reason. */
export function copyTo(topic: string, deadLetters = topic): PipeHandlers {
  return {
    transform: ({ records }) => ({ outputs: records.map(({ key, value }) => ({ topic, key, value })) }),
    deadLetter: deadLetterTo(deadLetters),
  };
}

export const deadLetterTo =
  (topic: string) =>
  (letter: StoredRecord, error: unknown): Output => ({
    topic,
    ...record(letter.key, `${text(letter)}: ${error instanceof Error ? describeError(error) : error}`),
  });
