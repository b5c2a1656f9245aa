import type { Logger } from 'pino';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { type Commit, GroupCommit } from './group-commit.ts';
import { createMemoryBudget, type MemoryBudget } from './memory-budget.ts';

export interface Admission {
  readonly groups: GroupCommit;
  readonly memory: MemoryBudget;
}

/** Bytes of bodies that are being read and of records that are not yet durable. */
export const waitingIn = ({ groups, memory }: Admission): number => memory.used + groups.waitingBytes;

export interface AdmissionOptions {
  readonly commit: Commit;
  /** One half is for bodies that are being read, the other for readings that are not yet durable. */
  readonly maxWaitingBytes: number;
  readonly logger: Logger;
  /** A clock for how long readings wait. */
  readonly nowMs: () => number;
}

/**
 * So many requests may be in progress whatever the adaptive limit is: a sender that waits for its response before it sends again loads the
 * log with one request at a time, and a slow log slows it down by itself. Refused, it would only send the same bytes again. A flood has
 * more requests in progress than that.
 */
const politeRequests = 16;

const targetMs = 250;

/** Admission control: how many bytes of bodies and readings may wait, and the groups in which readings become durable. */
export function createAdmission({ commit, maxWaitingBytes, logger, nowMs }: AdmissionOptions): Admission {
  const maxBytes = maxWaitingBytes / 2;
  const limit = new AdaptiveLimit({ minBytes: Math.min(1_000_000, maxWaitingBytes / 8), maxBytes, targetMs });
  const groups = new GroupCommit({
    commit,
    maxGroupBytes: 4_000_000,
    waited: (bytes, ms) => limit.observe(bytes, ms, nowMs()),
    unsettled: (error) => logger.error({ err: error }, 'a request was not answered'),
    nowMs,
  });
  const memory: MemoryBudget = createMemoryBudget(maxBytes, (usedBytes) => {
    if (groups.waitingBytes >= maxBytes) return false;
    if (groups.hasFewerSendersThan(politeRequests - memory.bodies)) return true;
    return limit.allows(usedBytes + groups.waitingBytes);
  });
  return { groups, memory };
}
