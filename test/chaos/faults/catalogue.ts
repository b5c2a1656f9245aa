import type { Stack } from '../stack.ts';
import { answerFaults } from './answers.ts';
import { rebalance, swap, upgrade } from './changes.ts';
import { clockJumps } from './clocks.ts';
import { connectionFaults } from './connections.ts';
import { fullKafka, fullSpool } from './disks.ts';
import type { Fault } from './fault.ts';
import { kills, stops } from './processes.ts';
import { damagedSpool } from './spool.ts';

/** Every fault that can be done here, and the names of those that cannot: a small disk needs root and a loop device. */
export function catalogue({ disks }: Pick<Stack, 'disks'>): { faults: Fault[]; leftOut: string[] } {
  const onDisks = [
    { fault: fullSpool, possible: disks.spool !== undefined },
    { fault: fullKafka, possible: disks.kafka !== undefined },
  ];
  return {
    faults: [
      ...kills,
      ...stops,
      ...connectionFaults,
      ...answerFaults,
      ...onDisks.filter(({ possible }) => possible).map(({ fault }) => fault),
      clockJumps,
      damagedSpool,
      rebalance,
      swap,
      upgrade,
    ],
    leftOut: onDisks.filter(({ possible }) => !possible).map(({ fault }) => fault.name),
  };
}
