import { expect, test } from 'vitest';
import { KafkaAdmin } from './admin.ts';
import type { Client } from './client.ts';

/** An admin of kafkajs that answers as it is told, and that nobody can use while it is not connected. */
class FakeAdmin {
  readonly connecting = Promise.withResolvers<void>();
  readonly #answer: () => Promise<string[]>;
  readonly #gone = Promise.withResolvers<never>();
  #connected = false;

  constructor(answer: () => Promise<string[]>) {
    this.#answer = answer;
    this.#gone.promise.catch(() => {});
  }

  async connect(): Promise<void> {
    await this.connecting.promise;
    this.#connected = true;
  }

  async disconnect(): Promise<void> {
    this.#connected = false;
    this.#gone.reject(new Error('Broker not connected'));
  }

  async listTopics(): Promise<string[]> {
    if (!this.#connected) throw new Error('Broker not connected');
    return await Promise.race([this.#answer(), this.#gone.promise]);
  }
}

test('while one caller replaces the connection, the others neither use one that is not there yet nor fail with the old one', async () => {
  const unsettled = Object.assign(new Error('no leader'), { type: 'LEADER_NOT_AVAILABLE' });
  const answers: (() => Promise<string[]>)[] = [() => Promise.reject(unsettled), () => new Promise(() => {})];
  const old = new FakeAdmin(() => answers.shift()?.() ?? Promise.resolve(['of the old one']));
  const fresh = new FakeAdmin(() => Promise.resolve(['of the new one']));
  const made = [old, fresh];
  const client = { kafka: { admin: () => made.shift() } } as unknown as Client;
  const admin = new KafkaAdmin(client);
  old.connecting.resolve();
  await admin.connect();

  const replaces = admin.names();
  const waits = admin.names();
  await expect.poll(() => made.length).toBe(0);
  // The new one is connecting.
  expect([...(await admin.names())]).toEqual(['of the old one']);
  fresh.connecting.resolve();
  expect([...(await replaces)]).toEqual(['of the new one']);
  expect([...(await waits)]).toEqual(['of the new one']);
});

test('partitions that kafkajs leaves out are asked for again: a missing offset would pass for none, and all be read once more', async () => {
  const partitions = [0, 1].map((partition) => ({ partition, offset: '7' }));
  const whole = [{ topic: 'readings', partitions }];
  const broken = () => Promise.reject(new TypeError("Cannot destructure property 'partitions' of 'low.pop(...)'"));
  const answers = [() => Promise.resolve([]), () => Promise.resolve([{ topic: 'readings', partitions: [] }]), broken];
  const kafkajs = {
    connect: async () => {},
    fetchTopicMetadata: async () => ({
      topics: [{ partitions: [0, 1].map((partitionId) => ({ partitionId, leader: 1 })) }],
    }),
    fetchOffsets: () => answers.shift()?.() ?? Promise.resolve(whole),
    fetchTopicOffsets: async () => [
      { partition: 1, low: '0', high: '9' },
      ...(answers.shift() ? [] : [{ partition: 0, low: '0', high: '8' }]),
    ],
  };
  const admin = new KafkaAdmin({ kafka: { admin: () => kafkajs } } as unknown as Client);
  expect(await admin.committed('group', 'readings')).toEqual(
    new Map([
      [0, 7n],
      [1, 7n],
    ]),
  );
  answers.push(broken);
  expect(await admin.extentOf('readings', 0)).toEqual({ partition: 0, low: 0n, high: 8n });
  await expect(admin.extentOf('readings', 2)).rejects.toMatchObject({ code: 'topic-mismatch', retryable: true });
});

test('a stage that starts while no broker gives metadata waits for its topics', async () => {
  const answers = [() => Promise.reject(new TypeError("Cannot read properties of null (reading 'topicMetadata')"))];
  const topics = [{ partitions: [{ partitionId: 0, leader: 1 }] }];
  const kafkajs = {
    connect: async () => {},
    listTopics: async () => ['readings'],
    fetchTopicMetadata: () => answers.shift()?.() ?? Promise.resolve({ topics }),
    fetchTopicOffsets: async () => [{ partition: 0, low: '0', high: '9' }],
  };
  const admin = new KafkaAdmin({ kafka: { admin: () => kafkajs } } as unknown as Client);
  // As the first look goes well, the second does not.
  answers.unshift(() => Promise.resolve({ topics }) as Promise<never>);
  await admin.ensure([{ name: 'readings', partitions: 1, retentionMs: 1 }]);
  expect(answers).toEqual([]);
});

test('an old connection that never ends keeps nobody from the new one', async () => {
  const old = new FakeAdmin(() => Promise.reject(new Error('Broker not connected')));
  old.disconnect = () => new Promise(() => {});
  const unsettled = Object.assign(new Error('no leader'), { type: 'LEADER_NOT_AVAILABLE' });
  const answers = [() => Promise.reject(unsettled)];
  const fresh = new FakeAdmin(() => answers.shift()?.() ?? Promise.resolve(['of the new one']));
  const newest = new FakeAdmin(() => Promise.resolve(['of the newest one']));
  const made = [old, fresh, newest];
  const admin = new KafkaAdmin({ kafka: { admin: () => made.shift() } } as unknown as Client);
  for (const { connecting } of [old, fresh, newest]) connecting.resolve();
  await admin.connect();
  await expect(admin.names()).rejects.toThrow('Broker not connected');
  await expect.poll(() => made.length, { timeout: 30_000 }).toBe(1);
  // The first answer of the new one makes it be replaced, too.
  await expect.poll(async () => [...(await admin.names())], { timeout: 30_000 }).toEqual(['of the newest one']);
});

test('a connection that kafkajs never makes again is replaced: who asks later gets an answer', async () => {
  const old = new FakeAdmin(() => Promise.reject(new Error('Broker not connected')));
  const fresh = new FakeAdmin(() => Promise.resolve(['of the new one']));
  const made = [old, fresh];
  const admin = new KafkaAdmin({ kafka: { admin: () => made.shift() } } as unknown as Client);
  for (const { connecting } of [old, fresh]) connecting.resolve();
  await admin.connect();
  await expect(admin.names()).rejects.toThrow('Broker not connected');
  await expect
    .poll(() =>
      admin.names().then(
        ([name]) => name,
        () => 'none',
      ),
    )
    .toBe('of the new one');
});

test('a new topic of which Kafka tells no partitions yet is looked at again, and its appends wait for them', async () => {
  const partitions = [0, 1].map((partitionId) => ({ partitionId, leader: 1 }));
  const answers: (typeof partitions)[] = [partitions, [], partitions, []];
  const kafkajs = {
    connect: async () => {},
    disconnect: async () => {},
    listTopics: async () => ['readings'],
    fetchTopicMetadata: async () => ({ topics: [{ partitions: answers.shift() ?? partitions }] }),
    fetchTopicOffsets: async () => [],
  };
  const admin = new KafkaAdmin({ kafka: { admin: () => kafkajs } } as unknown as Client);
  await admin.ensure([{ name: 'readings', partitions: 2, retentionMs: 1 }]);
  expect(answers).toEqual([]);
  answers.push([]);
  admin.forget('readings');
  const early = admin.leaders('readings');
  await expect(early).rejects.toMatchObject({ code: 'log-unavailable', retryable: true });
  expect(await admin.leaders('readings')).toEqual([1, 1]);
});
