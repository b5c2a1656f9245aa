import { expect, test } from 'vitest';
import type { LogRecord } from '../core/log/port.ts';
import { createAdmission } from './admission.ts';
import { silent } from './testing.ts';

const maxWaitingBytes = 64_000_000;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Senders {
  readonly count: number;
  /** Of one request. */
  readonly readings: number;
  readonly rounds: number;
  /** Of the log, by a clock that moves only while the log works. */
  readonly bytesPerMs: number;
}

/** Senders that send their next request once they have the response to the last, all of them at the same moment. */
async function run({ count, readings, rounds, bytesPerMs }: Senders) {
  let nowMs = 0;
  const sizeOf = (records: readonly LogRecord[]) => records.reduce((sum, { value }) => sum + value.byteLength, 0);
  const { groups, memory } = createAdmission({
    async commit(records) {
      await turn();
      nowMs += sizeOf(records) / bytesPerMs;
    },
    maxWaitingBytes,
    logger: silent,
    nowMs: () => nowMs,
  });
  const value = new Uint8Array(1_200);
  const records: LogRecord[] = Array.from({ length: readings }, () => ({ key: 'd', value }));
  const bodyBytes = readings * value.byteLength;
  const seen = { accepted: 0, refused: 0, longestMs: 0, mostBytes: 0 };

  async function send(): Promise<void> {
    const beganMs = nowMs;
    const body = memory.reserve(bodyBytes);
    if (body === undefined) {
      seen.refused += 1;
      return turn();
    }
    // The bodies of all senders arrive together, chunk by chunk.
    for (let bytes = 64_000; bytes < bodyBytes + 64_000; bytes += 64_000) {
      await turn();
      if (body.grow(Math.min(bytes, bodyBytes))) continue;
      body.release();
      seen.refused += 1;
      return;
    }
    body.release();
    const durable = groups.add(records);
    seen.mostBytes = Math.max(seen.mostBytes, memory.used + groups.waitingBytes);
    await durable;
    seen.accepted += 1;
    seen.longestMs = Math.max(seen.longestMs, nowMs - beganMs);
  }

  await Promise.all(
    Array.from({ length: count }, async () => {
      for (let round = 0; round < rounds; round += 1) await send();
    }),
  );
  expect([memory.used, memory.bodies, groups.waitingBytes, groups.waitingRequests]).toEqual([0, 0, 0, 0]);
  return seen;
}

test.each([
  { count: 4, bytesPerMs: 2_000 },
  { count: 16, bytesPerMs: 2_000 },
  { count: 16, bytesPerMs: 100_000 },
])(
  '$count senders with 1,000 readings a request are never refused by a log that takes $bytesPerMs bytes a millisecond',
  async ({ count, bytesPerMs }) => {
    expect(await run({ count, readings: 1_000, rounds: 12, bytesPerMs })).toMatchObject({
      accepted: 12 * count,
      refused: 0,
    });
  },
);

test('beyond that a flood is paced: readings that are accepted wait not much longer than the target, in bounded memory', async () => {
  const seen = await run({ count: 400, readings: 100, rounds: 20, bytesPerMs: 20_000 });
  expect(seen.refused).toBeGreaterThan(1_000);
  expect(seen.accepted).toBeGreaterThan(100);
  expect(seen.longestMs).toBeLessThan(1_500);
  expect(seen.mostBytes).toBeLessThan(maxWaitingBytes / 2);
});

test('large bodies of many senders are refused before they fill the memory', async () => {
  const seen = await run({ count: 64, readings: 8_000, rounds: 3, bytesPerMs: 20_000 });
  expect(seen.refused).toBeGreaterThan(64);
  expect(seen.accepted).toBeGreaterThan(0);
  expect(seen.mostBytes).toBeLessThan(maxWaitingBytes + 8_000 * 1_400);
});

test('senders that gave up, while the log takes nothing, keep no others out', async () => {
  const stuck = Promise.withResolvers<void>();
  let nowMs = 0;
  const { groups, memory } = createAdmission({
    commit: () => stuck.promise,
    maxWaitingBytes,
    logger: silent,
    nowMs: () => nowMs,
  });
  const record: LogRecord = { key: 'd', value: new Uint8Array(1_500_000) };
  const sockets = Array.from({ length: 16 }, () => ({ destroyed: false }));
  const settled: unknown[] = [];
  for (const socket of sockets) groups.enqueue([record], (error) => settled.push(error), socket);
  await turn();
  nowMs += 10_000;
  expect(memory.reserve(1_000)).toBeUndefined();
  for (const socket of sockets.slice(0, 10)) socket.destroyed = true;
  const begun = Array.from({ length: 12 }, () => memory.reserve(1_000));
  expect(begun.filter((each) => each !== undefined)).toHaveLength(10);
  for (const each of begun) each?.release();
  stuck.resolve();
  await groups.close();
  expect(settled).toHaveLength(16);
});
