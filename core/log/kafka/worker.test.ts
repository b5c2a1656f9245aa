import type { KafkaMessage } from 'kafkajs';
import { expect, test } from 'vitest';
import { Condition } from '../condition.ts';
import { numbers, patient, silent, texts } from '../contract/fixture.ts';
import type { Output } from '../port.ts';
import { createRetryPolicy } from '../retry-policy.ts';
import type { Committer } from './committer.ts';
import type { PrefetchBuffer } from './prefetch-buffer.ts';
import { Worker } from './worker.ts';

const messages = (from: number, to: number): KafkaMessage[] =>
  numbers(from, to).map((number) => ({
    ...{ offset: number, key: null, value: Buffer.from(number), timestamp: '0', attributes: 0, headers: {} },
  }));

/** A group on one partition, and a committer whose commits fail as told: before or after they went through. */
class Group {
  committed: bigint | undefined;
  readonly outputs: string[] = [];
  failures: ('lost' | 'unknown')[] = [];
  /** How often the committed offset cannot be read. */
  unreadable = 0;

  committer(): Committer {
    let fenced = false;
    return {
      get fenced() {
        return fenced;
      },
      fence: async () => {
        fenced = true;
      },
      commit: async (outputs: readonly Output[], next: bigint) => {
        const failure = this.failures.shift();
        if (failure !== 'lost') {
          this.outputs.push(...texts(outputs));
          this.committed = next;
        }
        if (!failure) return;
        fenced = false;
        throw new Error(`time-out, ${failure}`);
      },
      rejoined: () => {},
      close: async () => {},
      kill: () => {},
    };
  }
}

interface Started {
  readonly seek?: (buffer: PrefetchBuffer) => void;
  readonly extent?: { low: bigint; high: bigint };
  readonly hasIds?: boolean;
  /** Restores the state. */
  readonly restore?: () => Promise<void>;
}

function start(group: Group, { seek = () => {}, extent, hasIds = true, restore }: Started = {}) {
  const stopping = new AbortController();
  const changed = new Condition();
  const events: string[] = [];
  const backoff = { firstMs: 1, maxMs: 5 };
  const options = { group: 'g', logger: silent, stopping: stopping.signal, backoff };
  let during = () => {};
  const worker = new Worker(
    {
      ...{ ...options, number: 0, topics: ['in'], attempts: 3, maxBatch: 10 },
      retry: createRetryPolicy({ ...options, stalled: () => during() }),
      fetcher: {
        changed,
        resume: () => {},
        seek,
        provenSince: async () => {},
        identifyTopics: async () => hasIds,
      },
      committerOf: () => group.committer(),
      committedOffset: async () => {
        if (group.unreadable-- > 0) throw new Error('write EPIPE');
        return { committed: group.committed, ...(extent ?? { low: 0n, high: 100n }) };
      },
      historyOf: (committed) => ({
        committed,
        async *since() {},
        async *from() {},
        checkpoint: async () => undefined,
      }),
      handlers: {
        async assigned() {
          events.push('assigned');
          await restore?.();
        },
        revoked: () => void events.push('revoked'),
        transform: ({ records }) => ({
          outputs: records.map(({ key, value }) => ({ topic: 'out', key, value })),
          committed: () => events.push(...texts(records)),
        }),
        deadLetter: ({ key }) => ({ topic: 'dead', key, value: Buffer.from('dead') }),
      },
    },
    Promise.resolve(),
  );
  return {
    events,
    worker,
    buffer: worker.bufferOf('in')!,
    /** As a fetcher does. */
    fetched(from: number, to: number): void {
      worker.bufferOf('in')?.accept(messages(from, to), BigInt(to) - 1n);
      changed.notifyAll();
    },
    change(act: () => void): void {
      act();
      changed.notifyAll();
    },
    whileStalled: (act: () => void) => {
      during = act;
    },
    stop: async () => {
      stopping.abort();
      worker.lose();
      await worker.ended;
    },
  };
}

test.each(['lost', 'unknown'] as const)(
  'a commit that is %s is made once, and the state changes once',
  async (failure) => {
    const group = new Group();
    group.failures = [failure];
    const { events, buffer, stop, whileStalled } = start(group);
    // Records that arrive while the outcome is unknown change where the next commit would go: 5 is a transaction marker.
    whileStalled(() => {
      if (buffer.next < 8n) buffer.accept(messages(6, 8), 7n);
    });
    buffer.accept(messages(0, 5), 4n);
    await expect.poll(() => events, patient).toEqual(['assigned', ...numbers(0, 5), '6', '7']);
    expect(group.outputs).toEqual([...numbers(0, 5), '6', '7']);
    expect(group.committed).toBe(8n);
    await stop();
    expect(events.at(-1)).toBe('revoked');
  },
);

test('a partition that another member moved restarts behind it, with a new state', async () => {
  const group = new Group();
  group.failures = ['lost'];
  const fetchAgain = (buffer: PrefetchBuffer) => buffer.accept(messages(Number(buffer.next), 7), 6n);
  const { events, buffer, stop, whileStalled } = start(group, { seek: fetchAgain });
  whileStalled(() => {
    group.committed = 3n;
  });
  buffer.accept(messages(0, 7), 6n);
  await expect.poll(() => events, patient).toEqual(['assigned', 'revoked', 'assigned', ...numbers(3, 7)]);
  expect(group.outputs).toEqual(numbers(3, 7));
  expect(group.committed).toBe(7n);
  await stop();
});

test('a partition that lost its end resumes at that end: what is left is not taken again', async () => {
  const group = new Group();
  const extent = { low: 0n, high: 100n };
  const { events, fetched, change, worker, stop } = start(group, { extent });
  fetched(0, 8);
  await expect.poll(() => group.committed, patient).toBe(8n);
  extent.high = 5n;
  change(() => worker.lostEnd('in', 5n));
  await expect.poll(() => group.committed, patient).toBe(5n);
  extent.high = 7n;
  fetched(0, 7);
  await expect.poll(() => group.committed, patient).toBe(7n);
  expect(group.outputs).toEqual([...numbers(0, 8), '5', '6']);
  expect(events.filter((event) => !/\d/.test(event))).toEqual(['assigned', 'revoked', 'assigned']);
  await stop();
});

test.each([
  [true, 'resumes at the end of the same topic', ['5', '6']],
  [false, 'restarts with all that is left, where nothing says whether it is the same topic', numbers(0, 7)],
])('where topics have ids: %s, a group that is beyond the end %s', async (hasIds, _, wanted) => {
  const group = new Group();
  group.committed = 50n;
  const extent = { low: 0n, high: 5n };
  const { fetched, stop } = start(group, { extent, hasIds });
  await expect.poll(() => group.committed, patient).toBe(hasIds ? 5n : 0n);
  extent.high = 7n;
  fetched(0, 7);
  await expect.poll(() => group.committed, patient).toBe(7n);
  expect(group.outputs).toEqual(wanted);
  await stop();
});

test.each(['remade', 'lostEnd'] as const)(
  'a topic that is %s while a state is restored restarts that',
  async (what) => {
    const group = new Group();
    group.committed = 50n;
    const extent = { low: 0n, high: 100n };
    let isFirst = true;
    const { events, fetched, change, worker, stop } = start(group, {
      extent,
      async restore() {
        if (isFirst) await new Promise(() => {});
      },
    });
    await expect.poll(() => events, patient).toEqual(['assigned']);
    isFirst = false;
    extent.high = 3n;
    group.committed = what === 'remade' ? undefined : 50n;
    change(() => (what === 'remade' ? worker.remade('in') : worker.lostEnd('in', 3n)));
    await expect.poll(() => events, patient).toEqual(['assigned', 'revoked', 'assigned']);
    extent.high = 5n;
    fetched(0, 5);
    await expect.poll(() => group.committed, patient).toBe(5n);
    expect(group.outputs).toEqual(what === 'remade' ? numbers(0, 5) : ['3', '4']);
    await stop();
  },
);

test('a commit of unknown outcome is made once also where others are fenced and the committed offset cannot be read then', async () => {
  const group = new Group();
  group.failures = ['unknown'];
  const { events, fetched, stop, whileStalled } = start(group);
  let stalls = 0;
  whileStalled(() => {
    stalls += 1;
    if (stalls === 1) group.unreadable = 2;
  });
  fetched(0, 5);
  await expect.poll(() => events.includes('4'), patient).toBe(true);
  expect(group.outputs).toEqual(numbers(0, 5));
  await stop();
});
