import type { Logger } from 'pino';
import type { EventLog } from '../../core/log/port.ts';
import { sleep } from '../../core/retry/sleep.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { describeModel, type StreamModel } from '../stream-model.ts';
import { type ModelSession, type ModelSlot, openModelSession } from './model-slot.ts';
import { warmUpFromLog } from './warm-up.ts';

const retryMs = 1_000;

export interface HotSwapOptions<Version extends StreamModel | undefined> {
  readonly first: Version;
  /** By partition, the slots that this member holds now. */
  readonly slots: () => ReadonlyMap<number, ModelSlot>;
  readonly log: EventLog;
  readonly stream: Stream;
  readonly group: string;
  readonly logger: Logger;
  readonly now: () => number;
}

/** The model version of one role, champion or challenger, in all partitions of a member. */
export interface HotSwap<Version extends StreamModel | undefined> {
  /** The version that is at work, or will be as soon as its state is restored. */
  readonly wanted: Version;
  /** Brings another version into every slot; the present one is closed once no slot uses it. */
  swap(version: Version): void;
  /** To be called when a slot released a session, or is gone: closes the versions that no slot uses any more. */
  released(): void;
  /** The versions that are not closed: the wanted one, and those that a slot may still use. */
  open(): Iterable<Version | StreamModel>;
  /** Keeps a version from being closed until the returned function is called; then it is closed once no slot uses it. */
  hold(version: StreamModel): () => void;
  /** Closes all versions that are left. */
  close(): Promise<void>;
}

/** Replaces one model version by another in all slots of a role, while they are at work. */
export function createHotSwap<Version extends StreamModel | undefined>(
  options: HotSwapOptions<Version>,
): HotSwap<Version> {
  const { slots, logger } = options;
  const closer = createCloser(logger);
  let wanted = options.first;
  let closed = false;
  let warmingUp = new AbortController();
  /** Versions that were replaced and that a slot may still use. */
  const replaced = new Set<StreamModel>();
  const holds = new Map<StreamModel, number>();

  function released(): void {
    const used = [...slots().values()];
    for (const version of replaced) {
      if (holds.has(version) || used.some((slot) => slot.uses(version))) continue;
      replaced.delete(version);
      closer.close(version);
    }
  }

  function hold(version: StreamModel): () => void {
    if (version !== wanted) replaced.add(version);
    holds.set(version, (holds.get(version) ?? 0) + 1);
    return () => {
      const left = (holds.get(version) ?? 1) - 1;
      if (left > 0) holds.set(version, left);
      else holds.delete(version);
      released();
    };
  }

  /** Tries until the wanted version is in every slot, or another one is wanted. */
  async function settle(): Promise<void> {
    warmingUp.abort();
    warmingUp = new AbortController();
    const { signal } = warmingUp;
    while (!signal.aborted) {
      try {
        await fillSlots(wanted, options, signal);
        break;
      } catch (error) {
        if (signal.aborted) break;
        logger.warn({ err: error }, `the next model could not be warmed up: ${describeError(error)}`);
        await sleep(retryMs, { signal });
      }
    }
    released();
  }

  return {
    get wanted() {
      return wanted;
    },
    swap(version) {
      if (wanted) replaced.add(wanted);
      wanted = version;
      void settle();
    },
    released,
    open: () => [wanted, ...replaced],
    hold,
    async close() {
      warmingUp.abort();
      if (wanted && !closed) replaced.add(wanted);
      closed = true;
      for (const version of replaced) closer.close(version);
      replaced.clear();
      await closer.allClosed();
    },
  };
}

/** Brings the version into every slot that holds another one, its state restored. */
async function fillSlots(
  version: StreamModel | undefined,
  { slots, log, stream, group, now }: Omit<HotSwapOptions<undefined>, 'first'>,
  signal: AbortSignal,
): Promise<void> {
  const sessions = new Map<number, ModelSession>();
  for (const [partition, slot] of slots()) {
    if (slot.current?.streamModel === version) continue;
    const session = version && openModelSession(version);
    slot.prepare(session);
    // With steps, the state is taken over from the session before, or begins here.
    if (session && !session.steps && session.streamModel.model.memoryMs > 0) sessions.set(partition, session);
    else slot.ready(session, 0n);
  }
  if (!version || sessions.size === 0) return;
  const sinceMs = now() - version.model.memoryMs;
  const warmedUp = await warmUpFromLog({ log, stream, group, sessions, sinceMs, signal });
  for (const [partition, before] of warmedUp) slots().get(partition)?.ready(sessions.get(partition), before);
}

/** Closes model versions in the background. */
function createCloser(logger: Logger) {
  const closing = new Set<Promise<void>>();
  return {
    close({ model }: StreamModel): void {
      const closed = model.close().catch((error: unknown) => {
        logger.warn({ err: error }, `closing ${describeModel(model.identity)} failed: ${describeError(error)}`);
      });
      closing.add(closed);
      void closed.finally(() => closing.delete(closed));
    },
    allClosed: () => Promise.all(closing),
  };
}
