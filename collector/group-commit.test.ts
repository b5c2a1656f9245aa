import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LogRecord } from '../core/log/port.ts';
import { GroupCommit } from './group-commit.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Some turns of the event loop. */
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const records = (size = 10): LogRecord[] => [{ key: 'd', value: new Uint8Array(size) }];

/** A group commit whose groups end when the test says so, and take as long as it says. */
function startGroups(maxGroupBytes = 10_000) {
  const sizes: number[] = [];
  let nowMs = 0;
  let end: (() => void) | undefined;
  const groups = new GroupCommit({
    commit: (group) => {
      sizes.push(group.length);
      return new Promise((resolve) => {
        end = resolve;
      });
    },
    maxGroupBytes,
    nowMs: () => nowMs,
  });
  return {
    sizes,
    send: (count: number, size?: number) => {
      for (let index = 0; index < count; index += 1) groups.enqueue(records(size), () => {});
    },
    async endGroup(tookMs: number) {
      nowMs += tookMs;
      end?.();
      await turns();
    },
  };
}

test('senders of the last group, which send again at once, share the next group with those that waited', async () => {
  const { sizes, send, endGroup } = startGroups();
  send(4);
  await turns();
  send(4);
  await endGroup(20);
  // The four that waited do not go alone: the other four are on their way.
  expect(sizes).toEqual([4]);
  send(3);
  await turns();
  expect(sizes).toEqual([4]);
  send(1);
  await turns();
  expect(sizes).toEqual([4, 8]);
});

test('a group waits no longer than the last one took, and 5 ms', async () => {
  const { sizes, send, endGroup } = startGroups();
  send(4);
  await turns();
  send(1);
  await endGroup(3);
  vi.advanceTimersByTime(2.9);
  await turns();
  expect(sizes).toEqual([4]);
  vi.advanceTimersByTime(0.2);
  await turns();
  expect(sizes).toEqual([4, 1]);
  // Then one is all that is expected.
  await endGroup(1_000);
  send(1);
  await turns();
  expect(sizes).toEqual([4, 1, 1]);
  send(1);
  await endGroup(1_000);
  vi.advanceTimersByTime(5);
  await turns();
  expect(sizes).toEqual([4, 1, 1, 1]);
});

test('where a group takes less than a millisecond, it is the last sender that ends the wait', async () => {
  const { sizes, send, endGroup } = startGroups();
  send(4);
  await turns();
  send(1);
  await endGroup(0.4);
  expect(sizes).toEqual([4]);
  send(4);
  await turns();
  expect(sizes).toEqual([4, 5]);
});

test('with a log in memory, and with a full group, nobody waits', async () => {
  const quick = startGroups();
  quick.send(4);
  await turns();
  quick.send(1);
  await quick.endGroup(0.09);
  expect(quick.sizes).toEqual([4, 1]);
  const full = startGroups(1_000);
  full.send(2, 10);
  await turns();
  full.send(1, 2_000);
  await full.endGroup(100);
  expect(full.sizes).toEqual([2, 1]);
});

test('a request whose answer throws keeps nobody from theirs', async () => {
  const thrown: unknown[] = [];
  const groups = new GroupCommit({
    commit: async () => {},
    maxGroupBytes: 10_000,
    unsettled: (error) => thrown.push(error),
  });
  const error = new Error('the response is gone');
  groups.enqueue(records(), () => {
    throw error;
  });
  await groups.add(records());
  await groups.add(records());
  expect(thrown).toEqual([error]);
  expect([groups.waitingBytes, groups.waitingRequests]).toEqual([0, 0]);
});
