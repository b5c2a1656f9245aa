import { availableParallelism } from 'node:os';
import { systemSharesPorts } from '../core/http/shared-port.ts';

/** What a process of the collector may hold under a flood with its share of the bounds (docs/backpressure.md), in bytes. */
const workerBytes = 250_000_000;

/**
 * How many workers take readings.
 * @param wanted `auto`: a core less than there are, for the archive and all else, as far as the memory suffices; one on the embedded log,
 *   which writes one append at a time
 * @param log the address of the log
 */
export function chooseWorkerCount(wanted: number | 'auto', log: string | undefined): number {
  if (wanted !== 'auto') return wanted;
  if (!systemSharesPorts || log === undefined || !/^\w+:\/\//.test(log)) return 1;
  // 0 or a number beyond all memory where the process has no bound of its own.
  const bytes = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  // The primary process needs as much as a worker.
  return Math.max(1, Math.min(availableParallelism() - 1, Math.floor(bytes / workerBytes) - 1));
}
