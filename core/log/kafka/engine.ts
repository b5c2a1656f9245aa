import type { Logger } from 'pino';
import type { Partitioner } from '../partition.ts';
import type { KafkaAdmin } from './admin.ts';
import type { Client } from './client.ts';
import type { ConsumingClient } from './consuming.ts';
import type { MissingTopics } from './missing-topics.ts';
import type { KafkaWriter } from './writer.ts';

/** The parts of a started log, for the modules that read and write it. */
export interface KafkaEngine {
  readonly logger: Logger;
  /** Makes a connection of its own; the one of a consumer gives up on a broker sooner. */
  readonly connect: (user?: 'consumer') => Promise<Client>;
  readonly admin: KafkaAdmin;
  readonly writer: KafkaWriter;
  readonly consuming: ConsumingClient;
  readonly missingTopics: MissingTopics;
  readonly partitionOf: Partitioner;
  /** The first part of the ids of transactions and of ephemeral consumer groups. */
  readonly prefix: string;
  readonly sessionTimeoutMs: number;
  /** Readers that are leaving their ephemeral consumer groups. */
  readonly ending: Set<Promise<void>>;
}
