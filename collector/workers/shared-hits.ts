import { type CreateHitCounter, windowMs } from '../../core/http/rate-limit.ts';
import type { AllHits, NewHits } from './messages.ts';

/** Keys that are counted at once; the oldest are forgotten for further ones. */
const mostKeys = 100_000;

interface Window {
  hits: number;
  resetMs: number;
}

interface LocalWindow extends Window {
  /** Hits that the primary process has not been sent yet. */
  unsent: number;
}

/**
 * A worker's counts of requests. It counts its own at once; what the others counted comes with the primary's messages. So all workers
 * together let through what one would, and the requests of one exchange of messages more.
 */
export class SharedHits {
  readonly #nowMs: () => number;
  readonly #windows = new Map<string, LocalWindow>();
  readonly #changed = new Set<string>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  readonly createCounter: CreateHitCounter = (limitName) => ({
    increment: (key) => {
      const { hits, resetMs } = this.#add(`${limitName} ${key}`);
      return { totalHits: hits, resetTime: new Date(resetMs) };
    },
  });

  /** What was counted since the last call. */
  takeNew(): NewHits {
    const taken: [string, number][] = [];
    for (const key of this.#changed) {
      const window = this.#windows.get(key);
      if (window === undefined) continue;
      taken.push([key, window.unsent]);
      window.unsent = 0;
    }
    this.#changed.clear();
    return taken;
  }

  /** Takes over what all workers counted. */
  merge(all: AllHits): void {
    for (const [key, total, resetMs] of all) {
      const own = this.#windows.get(key);
      const unsent = own?.unsent ?? 0;
      // Hits that are on their way to the primary are not in its total yet.
      const known = own?.resetMs === resetMs ? own.hits : 0;
      keep(this.#windows, key, { hits: Math.max(known, total + unsent), resetMs, unsent });
    }
  }

  #add(key: string): LocalWindow {
    const nowMs = this.#nowMs();
    const known = this.#windows.get(key);
    const window = known !== undefined && known.resetMs > nowMs ? known : newWindow(nowMs);
    window.hits += 1;
    window.unsent += 1;
    if (window !== known) keep(this.#windows, key, window);
    this.#changed.add(key);
    return window;
  }
}

const newWindow = (nowMs: number): LocalWindow => ({ hits: 0, unsent: 0, resetMs: nowMs + windowMs });

/** The counts of all workers, in the primary process. */
export class AllWorkersHits {
  readonly #nowMs: () => number;
  readonly #windows = new Map<string, Window>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Adds what one worker counted; returns the totals of these keys for all workers. */
  add(hits: NewHits): AllHits {
    const nowMs = this.#nowMs();
    return hits.map(([key, count]) => {
      const known = this.#windows.get(key);
      const window = known !== undefined && known.resetMs > nowMs ? known : { hits: 0, resetMs: nowMs + windowMs };
      window.hits += count;
      if (window !== known) keep(this.#windows, key, window);
      return [key, window.hits, window.resetMs] as const;
    });
  }
}

function keep<T>(windows: Map<string, T>, key: string, window: T): void {
  windows.delete(key);
  windows.set(key, window);
  if (windows.size <= mostKeys) return;
  const [oldest] = windows.keys();
  if (oldest !== undefined) windows.delete(oldest);
}
