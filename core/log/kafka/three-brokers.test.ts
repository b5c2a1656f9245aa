// On three brokers of its own, where the runner has a Kafka for GAPLINE_TEST_KAFKA.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaSupply } from '../../../test/servers/kafka.ts';
import { type KafkaCluster, startKafkaCluster } from '../../../test/servers/kafka-cluster.ts';
import { obtained } from '../../../test/servers/obtain.ts';
import { contents, copyTo, numbered, patient, silent, sorted, testTimeoutMs, texts } from '../contract/fixture.ts';
import { createKafkaLog } from '../kafka.ts';
import { AppendError, type EventLog } from '../port.ts';
import { parseAddress } from './address.ts';
import { createClient } from './client.ts';
import { clients, withoutKafka } from './testing.ts';

const notRun = withoutKafka ?? (obtained(kafkaSupply) ? undefined : 'NOT RUN, only a foreign Kafka is here');
const deadline = { deadlineMs: 20_000 };
const batchSize = 20;

describe.skipIf(notRun)(`three brokers ${notRun ?? ''}`, { timeout: 2 * testTimeoutMs }, () => {
  let cluster: KafkaCluster | undefined;
  const logs: EventLog[] = [];

  beforeAll(async () => {
    cluster = await startKafkaCluster();
  }, testTimeoutMs);
  afterAll(async () => {
    await Promise.all(logs.map((log) => log.stop()));
    await cluster?.stop();
  }, testTimeoutMs);

  const started = (): KafkaCluster => {
    if (!cluster) throw new Error('The brokers have not started');
    return cluster;
  };

  async function leaderOf(topic: string): Promise<number> {
    const address = parseAddress({ url: started().url });
    const { kafka, kill } = await createClient({ address, logger: silent, retry: {}, requestTimeoutMs: 30_000 });
    const admin = kafka.admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return (topics[0]?.partitions.find(({ partitionId }) => partitionId === 0)?.leader ?? 0) - 1;
    } finally {
      await admin.disconnect();
      kill();
    }
  }

  test('a leader is killed while both clients copy: nothing acknowledged is lost, each record is copied once', async () => {
    const lines = await Promise.all(clients.map((client) => open(client, started().url)));
    await Promise.all(lines.map((line) => line.send(10)));
    const sending = Promise.all(lines.map((line) => line.send(60)));
    const leader = started().nodes[await leaderOf('kafkajs.in')];
    await leader?.kill();
    await sending;
    await Promise.all(lines.map((line) => line.send(20)));
    await leader?.restart();
    await Promise.all(lines.map((line) => line.send(20)));
    for (const { log, topic, acknowledged, unknown } of lines) {
      const taken = sorted(texts(await contents(log, `${topic}.in`)));
      await expect.poll(async () => sorted(texts(await contents(log, `${topic}.out`))), patient).toEqual(taken);
      const held = new Set(taken);
      expect([...acknowledged].filter((number) => !held.has(number))).toEqual([]);
      const extra = taken.filter((number, index) => number === taken[index - 1]);
      expect(extra.filter((number) => !unknown.has(number))).toEqual([]);
    }
  });

  /** A pipe from one topic to another by a client, and a sender that sends again what was not acknowledged. */
  async function open(client: string, url: string) {
    const quick = { backoff: { firstMs: 5, maxMs: 200 }, sessionTimeoutMs: 6_000, requestTimeoutMs: 5_000 };
    const log = createKafkaLog({ url: url.replace('kafka:', `${client}:`), logger: silent, ...quick });
    logs.push(log);
    await log.start();
    const names = [`${client}.in`, `${client}.out`];
    await log.ensureTopics(names.map((name) => ({ name, partitions: 3, retentionMs: 86_400_000 })));
    await log.pipe({ from: [`${client}.in`], group: `${client}.group`, maxBatch: 50 }, copyTo(`${client}.out`));
    const acknowledged = new Set<string>();
    const unknown = new Set<string>();
    async function append(batch: ReturnType<typeof numbered>): Promise<void> {
      for (;;) {
        try {
          await log.append(`${client}.in`, batch, deadline);
          for (const number of texts(batch)) acknowledged.add(number);
          return;
        } catch (error) {
          if (!(error instanceof AppendError)) throw error;
          if (error.outcome === 'unknown') for (const number of texts(batch)) unknown.add(number);
        }
      }
    }
    let next = 0;
    async function send(batches: number): Promise<void> {
      for (let batch = 0; batch < batches; batch += 1) {
        await append(numbered(next, next + batchSize));
        next += batchSize;
      }
    }
    return { log, topic: client, send, acknowledged, unknown };
  }
});
