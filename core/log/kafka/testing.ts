import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';
import { type LogUnderTest, silent } from '../contract/fixture.ts';
import { createKafkaLog, type KafkaLogOptions } from '../kafka.ts';
import { type ClientName, clientNames, parseAddress } from './address.ts';
import { createClient } from './client.ts';

/** The Kafka that tests may use. */
export const testKafka = process.env.GAPLINE_TEST_KAFKA;

/** Why a suite that needs Kafka does not run; undefined where it does. */
export const withoutKafka = testKafka ? undefined : 'NOT RUN, there is no Kafka (GAPLINE_TEST_KAFKA names none)';

if (withoutKafka && process.env.GAPLINE_REQUIRE_SERVERS === '1') {
  throw new Error('GAPLINE_REQUIRE_SERVERS=1 demands a Kafka, and GAPLINE_TEST_KAFKA names none');
}

/** The clients by which a log on Kafka may consume and commit. */
export const clients = clientNames;

export const sessionTimeoutMs = 3_000;

/** The Kafka for a test. Its topics and groups begin with the test's prefix and are removed after it. */
export async function kafkaUnderTest(
  options: Partial<KafkaLogOptions> = {},
  client: ClientName = 'kafkajs',
): Promise<LogUnderTest & { prefix: string }> {
  const url = (testKafka ?? '').replace(/^kafka:/, `${client}:`);
  const prefix = `gapline-${randomUUID().slice(0, 8)}`;
  const quick = { backoff: { firstMs: 5, maxMs: 40 }, graceMs: 300, prefix, sessionTimeoutMs };
  return {
    prefix,
    address: { engine: 'kafka', url, prefix, sessionTimeoutMs },
    create: () => createKafkaLog({ url, logger: silent, ...quick, ...options }),
    remove: removeFromKafka,
  };
}

async function removeFromKafka(prefix: string): Promise<void> {
  await withAdmin(async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    const { groups } = await admin.listGroups();
    const own = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix));
    // A member that was killed is still in its group until its session is over.
    if (own.length > 0) await admin.deleteGroups(own).catch(() => {});
  });
}

/**
 * Does something with kafkajs's own admin, to look at what the log did or to prepare what others would have done.
 * @param url - of another Kafka than that of tests
 */
export async function withAdmin<T>(work: (admin: Admin) => Promise<T>, url = testKafka ?? ''): Promise<T> {
  const address = parseAddress({ url });
  const { kafka, kill } = await createClient({ address, logger: silent, retry: {}, requestTimeoutMs: 30_000 });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
    kill();
  }
}

/** Makes a topic as somebody else would. kafkajs's own waiting gives up where a broker does not know the topic yet. */
export const makeTopic = (config: ITopicConfig): Promise<void> => makeTopics([config]);

/** The same with many. @param url - of another Kafka than that of tests */
export async function makeTopics(topics: ITopicConfig[], url?: string): Promise<void> {
  await withAdmin(async (admin) => {
    await admin.createTopics({ topics, waitForLeaders: false });
    for (const { topic } of topics) {
      const isKnown = () =>
        admin.fetchTopicMetadata({ topics: [topic] }).then(
          (known) => known.topics.length > 0,
          () => false,
        );
      for (const untilMs = Date.now() + 30_000; !(await isKnown()); await sleep(50))
        if (Date.now() > untilMs) throw new Error(`no broker knows the topic ${topic}`);
    }
  }, url);
}

/** The partitions of topics in which a transaction has not ended: what is in it, and behind it, cannot be read yet. kafkajs tells no such ends. */
export async function openTransactions(topics: readonly string[]): Promise<string[]> {
  const { brokers } = parseAddress({ url: testKafka ?? '' });
  const { Admin, FetchIsolationLevels, ListOffsetTimestamps } = await import('@platformatic/kafka');
  const admin = new Admin({ clientId: 'gapline-test', bootstrapBrokers: [...brokers] });
  try {
    const metadata = await admin.metadata({ topics: [...topics] });
    const asked = Array.from(metadata.topics, ([name, { partitionsCount }]) => ({
      name,
      partitions: Array.from({ length: partitionsCount }, (_, partitionIndex) => ({
        ...{ partitionIndex, timestamp: ListOffsetTimestamps.LATEST },
      })),
    }));
    const ends = async (isolationLevel: 0 | 1) => {
      const listed = await admin.listOffsets({ topics: asked, isolationLevel });
      const each = listed.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, offset }) => [`${name}/${partitionIndex}`, offset] as const),
      );
      return new Map(each);
    };
    const all = await ends(FetchIsolationLevels.READ_UNCOMMITTED);
    const readable = await ends(FetchIsolationLevels.READ_COMMITTED);
    return Array.from(all).flatMap(([partition, end]) => ((readable.get(partition) ?? 0n) < end ? [partition] : []));
  } finally {
    await admin.close();
  }
}
