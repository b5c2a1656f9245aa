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
    };
  }
}

function start(group: Group, seek: (buffer: PrefetchBuffer) => void = () => {}) {
  const stopping = new AbortController();
  const events: string[] = [];
  const backoff = { firstMs: 1, maxMs: 5 };
  const options = { group: 'g', logger: silent, stopping: stopping.signal, backoff };
  let during = () => {};
  const worker = new Worker(
    {
      ...{ ...options, number: 0, topics: ['in'], attempts: 3, maxBatch: 10 },
      retry: createRetryPolicy({ ...options, stalled: () => during() }),
      fetcher: { changed: new Condition(), resume: () => {}, seek, provenSince: async () => {} },
      committerOf: () => group.committer(),
      committedOffset: async () => ({ committed: group.committed, low: 0n, high: 100n }),
      historyOf: (committed) => ({
        committed,
        async *since() {},
        async *from() {},
        checkpoint: async () => undefined,
      }),
      handlers: {
        assigned: async () => void events.push('assigned'),
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
  const { events, buffer, stop, whileStalled } = start(group, fetchAgain);
  whileStalled(() => {
    group.committed = 3n;
  });
  buffer.accept(messages(0, 7), 6n);
  await expect.poll(() => events, patient).toEqual(['assigned', 'revoked', 'assigned', ...numbers(3, 7)]);
  expect(group.outputs).toEqual(numbers(3, 7));
  expect(group.committed).toBe(7n);
  await stop();
});
