import { answerFaults } from './answers.ts';
import { rebalance, swap, upgrade } from './changes.ts';
import { clockJumps } from './clocks.ts';
import { connectionFaults } from './connections.ts';
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
  deletedReadings,
  morePartitions,
  unreadableRecords,
  lostKafka,
];

/** With workers there are faults of single workers; without, a seed means one plan. */
export const catalogueFor = (workers: number): readonly Fault[] =>
  workers > 1 ? [...catalogue, ...workerFaults] : catalogue;
