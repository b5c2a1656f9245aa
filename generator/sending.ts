import { sleep } from '../core/retry/sleep.ts';
import type { createLedger } from './ledger.ts';
import type { RunPlan } from './run-plan.ts';
import type { Sender } from './sender.ts';
import type { Source } from './source.ts';
import type { Worker } from './worker.ts';

export interface Sending {
  readonly options: {
    readonly source: Source;
    /** Readings a second in all; 0 is as fast as they are taken. */
    readonly rate: number;
    /** Readings a POST, at most. */
    readonly batch: number;
    /** Readings in all. */
    readonly length: number;
    /** Milliseconds since the epoch. */
    readonly now: () => number;
  };
  readonly plan: RunPlan;
  readonly sender: Sender;
  readonly ledger: ReturnType<typeof createLedger>;
  /** Counted up. */
  readonly totals: { sent: number; accepted: number; gaps: number; values: number };
  /** Makes no more readings; a worker that fails stops the others with it. */
  readonly stopping: AbortController;
  /** Gives up requests under way. */
  readonly aborting: AbortController;
}

/** A request batch that is not full leaves when its first reading has waited for so long. */
const lingerMs = 1_000;

/**
 * Makes and sends the readings of a run, all workers side by side.
 * @returns once all are accepted, or sending was stopped; rejects with the first failure of a worker
 */
export async function sendReadings(sending: Sending): Promise<void> {
  const { plan, stopping, aborting } = sending;
  const failures: unknown[] = [];
  const workers = plan.workers.map((worker) =>
    runWorker(sending, worker).catch((error: unknown) => {
      if (stopping.signal.aborted && isAbort(error)) return;
      failures.push(error);
      stopping.abort();
      aborting.abort();
    }),
  );
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
}

async function runWorker(sending: Sending, worker: Worker): Promise<void> {
  const { plan, sender, ledger, totals, stopping, aborting } = sending;
  while (!stopping.signal.aborted) {
    const count = await readyCount(sending, worker);
    if (count === 0) return;
    await plan.reach(worker.peek(count - 1), stopping.signal);
    await plan.reserve(worker.peek(count - 1), stopping.signal);
    const batch = worker.take(count);
    totals.sent += count;
    if (batch.facts !== '') await sender.tell(batch.facts, { abort: aborting.signal, stop: stopping.signal });
    await sender.post(batch, { abort: aborting.signal, stop: stopping.signal });
    await ledger.append(batch.identities, aborting.signal);
    plan.accepted(worker);
    totals.accepted += count;
    totals.gaps += batch.gaps;
    totals.values += batch.values;
  }
}

/** Waits until a request batch is due; how many readings it has, 0 at the end. */
async function readyCount({ options, plan, stopping }: Sending, worker: Worker): Promise<number> {
  const { rate, batch, length, now } = options;
  let most = batch;
  while (most > 0 && worker.peek(most - 1) >= length) most -= 1;
  if (most === 0 || rate === 0) return most;
  const dueMs = Math.min(plan.dueMs(worker.peek(most - 1)), plan.dueMs(worker.peek()) + lingerMs);
  const waitMs = dueMs - now();
  if (waitMs > 0) {
    await sleep(waitMs, { signal: stopping.signal });
    stopping.signal.throwIfAborted();
  }
  const nowMs = now();
  let due = 1;
  while (due < most && plan.dueMs(worker.peek(due)) <= nowMs) due += 1;
  return due;
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
