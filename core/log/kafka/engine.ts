import type { Logger } from 'pino';
import type { Partitioner } from '../partition.ts';
import type { KafkaAdmin } from './admin.ts';
import type { Client } from './client.ts';
import type { KafkaWriter } from './writer.ts';

/** The parts of a started log, as they are handed to whatever works on it. */
export interface KafkaEngine {
  readonly logger: Logger;
  /** Makes a connection of its own; one for a consumer gives up on a broker sooner. */
  readonly connect: (user?: 'consumer') => Promise<Client>;
  readonly admin: KafkaAdmin;
  readonly writer: KafkaWriter;
  readonly partitionOf: Partitioner;
  /** Begins the ids of transactions and of throw-away groups. */
  readonly prefix: string;
  readonly sessionTimeoutMs: number;
  /** Readers that are leaving their throw-away groups. */
  readonly ending: Set<Promise<void>>;
}
