import { answerFaults } from './answers.ts';
import { rebalance, swap, upgrade } from './changes.ts';
import { clockJumps } from './clocks.ts';
import { brokerApart, connectionFaults } from './connections.ts';
import { fullKafka, fullSpool } from './disks.ts';
import type { Fault } from './fault.ts';
import { kills, stops } from './processes.ts';
import { damagedSpool } from './spool.ts';
import { deletedReadings, lostKafka, morePartitions } from './topics.ts';
import { unreadableRecords } from './unreadable.ts';
import { workerFaults } from './workers.ts';

/** Every fault, whether it can be done here or not: so a seed means the same plan everywhere. */
const catalogue: readonly Fault[] = [
  ...kills,
  ...stops,
  ...connectionFaults,
  ...answerFaults,
  fullSpool,
  fullKafka,
  clockJumps,
  damagedSpool,
  rebalance,
  swap,
  upgrade,
];

/** What others do to the topics, and a broker that is cut off from two more. */
const topicFaults: readonly Fault[] = [deletedReadings, morePartitions, unreadableRecords, lostKafka, brokerApart];

export interface Chosen {
  /** Processes of the collector that take readings. */
  readonly workers: number;
  /** Whether the topics are changed, too. */
  readonly topics: boolean;
}

/** Single workers are hit where there are several. A choice and a seed mean one plan. */
export const catalogueFor = ({ workers, topics }: Chosen): readonly Fault[] => [
  ...catalogue,
  ...(topics ? topicFaults : []),
  ...(workers > 1 ? workerFaults : []),
];
