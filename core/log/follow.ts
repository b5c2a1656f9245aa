import type { Logger } from 'pino';
import { backoffMs } from '../retry/backoff.ts';
import { sleep } from '../retry/sleep.ts';
import type { EventLog, StoredRecord } from './port.ts';

export interface FollowOptions {
  readonly log: EventLog;
  readonly topic: string;
  /** Asked again after each outage of the log: by partition, the last offset that was read. One that is not named is new: all of it is read. */
  readonly read: () => ReadonlyMap<number, bigint>;
  readonly signal: AbortSignal;
  readonly logger: Pick<Logger, 'warn'>;
}

const backoff = { firstMs: 500, maxMs: 10_000 };

/** Follows a topic across outages of the log, each record once. Ends when the signal aborts; never throws. */
export async function* follow(options: FollowOptions): AsyncGenerator<readonly StoredRecord[]> {
  const { log, topic, read, signal, logger } = options;
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const records of log.tail([topic], { since: 0, after: new Map([[topic, read()]]), signal })) {
        failures = 0;
        yield records;
      }
    } catch (error) {
      logger.warn({ err: error, topic }, 'A topic cannot be followed now, and is tried again');
    }
    failures += 1;
    if (!signal.aborted) await sleep(backoffMs(backoff, failures), { signal });
  }
}

/** By partition, the offset behind the last record of a topic. */
export async function endsOf(log: EventLog, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const partitions = await log.lag(`${topic}.probe`, [topic]);
  return new Map(partitions.map(({ partition, end }) => [partition, end]));
}
