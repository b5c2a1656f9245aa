import type { Status } from '../../core/wire/status.ts';

/** What a worker has done since it started. */
export interface Figures {
  readonly status: Pick<Status, 'counters' | 'spool' | 'unknownFields' | 'lastError'>;
  /** As `Registry.getMetricsAsJSON` returns them. */
  readonly metrics: readonly MetricFigures[];
}

/** Of a worker that has not reported yet. */
export const noFigures: Figures = { status: { counters: {} }, metrics: [] };

export interface MetricFigures {
  readonly name: string;
  /** `counter`, `gauge`, `histogram` or `summary`. */
  readonly type: unknown;
}

/** Requests of a key that one worker counted since its last message. */
export type NewHits = readonly (readonly [key: string, hits: number])[];
/** Requests of a key that all workers counted, and when its window ends, in milliseconds since the epoch. */
export type AllHits = readonly (readonly [key: string, hits: number, resetMs: number])[];

/** What a worker sends to the primary process. */
export type FromWorker =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
  | { readonly kind: 'figures'; readonly figures: Figures }
  | { readonly kind: 'hits'; readonly hits: NewHits }
  /** Somebody scrapes this worker. */
  | { readonly kind: 'scrape'; readonly id: number };

/** What the primary process sends to a worker. */
export type ToWorker =
  | { readonly kind: 'stop' }
  /** Send your figures now. */
  | { readonly kind: 'report' }
  | { readonly kind: 'hits'; readonly hits: AllHits }
  | { readonly kind: 'scraped'; readonly id: number; readonly text: string };
