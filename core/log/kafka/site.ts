import { randomUUID } from 'node:crypto';
import { type Site, silent } from '../contract/place.ts';
import { createKafkaLog, type KafkaLogOptions } from '../kafka.ts';
import { parseAddress } from './address.ts';
import { createClient } from './client.ts';

/** The Kafka that tests may use. */
export const testKafka = process.env.GAPLINE_TEST_KAFKA;

/** Why a suite that needs Kafka does not run; undefined where it does. */
export const withoutKafka = testKafka === undefined ? 'NOT RUN: no Kafka (set GAPLINE_TEST_KAFKA)' : undefined;

export const sessionTimeoutMs = 3_000;

/** The Kafka for a test. Its topics and groups begin with the test's prefix and are removed after it. */
export async function makeKafkaSite(options: Partial<KafkaLogOptions> = {}): Promise<Site> {
  const url = testKafka ?? '';
  const prefix = `gapline-${randomUUID().slice(0, 8)}`;
  const quick = { backoff: { firstMs: 5, maxMs: 40 }, graceMs: 300, prefix, sessionTimeoutMs };
  return {
    address: { engine: 'kafka', url, prefix, sessionTimeoutMs },
    create: () => createKafkaLog({ url, logger: silent, ...quick, ...options }),
    remove: async () => {},
  };
}

/** Removes what begins with a prefix. */
export async function removeFromKafka(prefix: string): Promise<void> {
  const { kafka, kill } = await createClient({
    address: parseAddress({ url: testKafka ?? '' }),
    logger: silent,
    retry: {},
  });
  const admin = kafka.admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await admin.disconnect();
  kill();
}
