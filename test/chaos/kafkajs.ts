import type { Kafka } from 'kafkajs';
import { pino } from 'pino';
import { parseAddress } from '../../core/log/kafka/address.ts';
import { createClient } from '../../core/log/kafka/client.ts';

const logger = pino({ level: 'silent' });

/**
 * Another client of Kafka, beside the proxies and beside Gapline's log. Loaded as the log loads it: kafkajs keeps its own filter of aborted
 * transactions where it is loaded before that.
 */
export async function withKafkajs<T>(brokers: readonly string[], work: (kafka: Kafka) => Promise<T>): Promise<T> {
  const address = parseAddress({ url: `kafkajs://${brokers.join()}` });
  const { kafka, kill } = await createClient({ address, logger, retry: {}, requestTimeoutMs: 30_000 });
  try {
    return await work(kafka);
  } finally {
    kill();
  }
}
