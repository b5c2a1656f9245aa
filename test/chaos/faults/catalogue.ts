import { answerFaults } from './answers.ts';
import { rebalance, swap, upgrade } from './changes.ts';
import { clockJumps } from './clocks.ts';
import { connectionFaults } from './connections.ts';
import { fullKafka, fullSpool } from './disks.ts';
import type { Fault } from './fault.ts';
import { kills, stops } from './processes.ts';
import { damagedSpool } from './spool.ts';

/** Every fault, whether it can be done here or not: so a seed means the same plan everywhere. */
export const catalogue: readonly Fault[] = [
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
