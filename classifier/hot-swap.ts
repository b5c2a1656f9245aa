import type { Logger } from 'pino';
import type { EventLog } from '../core/log/port.ts';
import { sleep } from '../core/retry/sleep.ts';
import { describeError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import { openStation, type Seat, type Station } from './model-slot.ts';
import type { Serving } from './serving.ts';
import { warmFromLog } from './warm.ts';

const retryMs = 1_000;

export interface SuccessionOptions {
  readonly first: Serving | undefined;
  /** By partition, those of this member now. */
  readonly seats: () => ReadonlyMap<number, Seat>;
  readonly log: EventLog;
  readonly stream: Stream;
  readonly group: string;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Who serves in one role, champion or challenger, in all partitions of a member. */
export interface Succession {
  /** Who serves, or is to as soon as it was shown the past. */
  readonly serving: Serving | undefined;
  succeed(serving: Serving | undefined): void;
  /** To be called when somebody left a seat, or a seat went: closes who sits nowhere any more. */
  left(): void;
  /** Closes all that are left. */
  close(): Promise<void>;
}

/** Hands the seats of a role from one model version to the next. */
export function createSuccession(options: SuccessionOptions): Succession {
  const { seats, log, stream, group, logger, now } = options;
  let serving = options.first;
  let ended = false;
  let warming = new AbortController();
  /** Who may still sit somewhere. */
  const leaving = new Set<Serving>();
  const closing = new Set<Promise<void>>();

  function close(gone: Serving): void {
    const { name, version } = gone.model.identity;
    const closed = gone.model.close().catch((error: unknown) => {
      logger.warn({ err: error }, `closing model ${name} version ${version} failed: ${describeError(error)}`);
    });
    closing.add(closed);
    closed.finally(() => closing.delete(closed));
  }

  function closeWhoLeft(): void {
    const taken = [...seats().values()];
    for (const gone of leaving) {
      if (taken.some((seat) => seat.uses(gone))) continue;
      leaving.delete(gone);
      close(gone);
    }
  }

  /** Brings the successor into every seat that another sits in. */
  async function seat(next: Serving | undefined, signal: AbortSignal): Promise<void> {
    const stations = new Map<number, Station>();
    for (const [partition, place] of seats()) {
      if (place.current?.serving === next) continue;
      const station = next && openStation(next);
      place.announce(station);
      if (station && station.serving.model.memoryMs > 0) stations.set(partition, station);
      else place.ready(station, 0n);
    }
    if (next && stations.size > 0) {
      const sinceMs = now() - next.model.memoryMs;
      const shown = await warmFromLog({ log, stream, group, stations, sinceMs, signal });
      for (const [partition, station] of stations)
        seats()
          .get(partition)
          ?.ready(station, shown.get(partition) ?? 0n);
    }
  }

  /** Tries until the successor sits everywhere, or another one is to. */
  async function settle(): Promise<void> {
    warming.abort();
    warming = new AbortController();
    const { signal } = warming;
    while (!signal.aborted) {
      try {
        await seat(serving, signal);
        break;
      } catch (error) {
        if (signal.aborted) break;
        logger.warn({ err: error }, `the past could not be shown to the next model: ${describeError(error)}`);
        await sleep(retryMs, { signal });
      }
    }
    closeWhoLeft();
  }

  return {
    get serving() {
      return serving;
    },
    succeed(next) {
      if (serving) leaving.add(serving);
      serving = next;
      void settle();
    },
    left: closeWhoLeft,
    async close() {
      warming.abort();
      const last = ended || !serving ? [] : [serving];
      ended = true;
      for (const gone of new Set([...leaving, ...last])) close(gone);
      leaving.clear();
      await Promise.all(closing);
    },
  };
}
