import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { GaplineError } from '../../wire/errors.ts';
import { type Partitioner, partitioningKey } from '../partition.ts';
import type { LogRecord } from '../port.ts';
import type { Batches } from './batches.ts';
import type { Blocks } from './blocks.ts';
import type { Ends } from './ends.ts';
import type { Offsets } from './offsets.ts';
import { sizeOf } from './reading.ts';
import type { Records } from './records.ts';
import type { Partition, Topics } from './topics.ts';
import type { WriteAheadLog } from './write-ahead-log.ts';
import type { SqliteWriter } from './writer.ts';

/** The parts of an opened log, for the modules that read and write it. */
export interface SqliteEngine {
  readonly file: string;
  readonly logger: Logger;
  readonly db: DatabaseSync;
  readonly topics: Topics;
  readonly records: Records;
  readonly blocks: Blocks;
  readonly batches: Batches;
  readonly offsets: Offsets;
  readonly ends: Ends;
  readonly wal: WriteAheadLog;
  readonly writer: SqliteWriter;
  readonly partitionOf: Partitioner;
}

/** Records on their way to one partition. */
export interface Share {
  readonly partition: Partition;
  readonly records: LogRecord[];
}

/** Sorts records to the partitions of their keys. */
export function share(
  partitions: readonly Partition[],
  records: readonly LogRecord[],
  partitionOf: Partitioner,
): Share[] {
  const shares = new Map<number, Share>();
  for (const record of records) {
    const number = partitionOf(partitioningKey(record), partitions.length);
    const found = shares.get(number);
    if (found) {
      found.records.push(record);
      continue;
    }
    const partition = partitions[number];
    if (!partition) throw new RangeError(`There is no partition ${number} of ${partitions.length}`);
    shares.set(number, { partition, records: [record] });
  }
  return [...shares.values()];
}

export const sizeOfAll = (records: readonly LogRecord[]): number =>
  records.reduce((bytes, record) => bytes + sizeOf(record), 0);

/**
 * The partitions of each input of a pipe.
 * @throws {GaplineError} `topic-mismatch` where a topic is missing or they differ in number.
 */
export function coPartitioned(
  topics: readonly string[],
  partitions: (topic: string) => readonly Partition[],
): (readonly Partition[])[] {
  const inputs = topics.map(partitions);
  const counts = inputs.map((input, at) => `${topics[at]} has ${input.length}`);
  if (new Set(inputs.map(({ length }) => length)).size > 1) {
    const detail = `The inputs of one pipe need the same number of partitions, but ${counts.join(', ')}`;
    throw new GaplineError('topic-mismatch', detail, { retryable: false });
  }
  return inputs;
}
