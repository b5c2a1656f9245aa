import type { Stack } from '../stack.ts';
import type { Fault } from './fault.ts';
import { kills, stops } from './processes.ts';

/** Every fault that can be done here; and those that cannot, with the reason. */
export function catalogue(_stack: Pick<Stack, 'disks'>): { faults: Fault[]; leftOut: string[] } {
  return { faults: [...kills, ...stops], leftOut: [] };
}
