import type { ErrorCode } from '../../core/wire/errors.ts';
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

/** A fact's record on its way between processes; its value is JSON. */
export interface FactMessage {
  readonly key: string;
  readonly partitionKey: string;
  readonly value: string;
}

/** Why facts were not made durable. */
export interface FactsRefused {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterS: number | undefined;
}

/** What a worker sends to the primary process. */
export type FromWorker =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
  | { readonly kind: 'figures'; readonly figures: Figures }
  | { readonly kind: 'hits'; readonly hits: NewHits }
  /** Facts that this worker took. The id is unique among all processes: one that dies may leave an answer for its successor. */
  | { readonly kind: 'facts'; readonly id: string; readonly records: readonly FactMessage[] }
  /** Somebody scrapes this worker. */
  | { readonly kind: 'scrape'; readonly id: number };

/** What the primary process sends to a worker. */
export type ToWorker =
  | { readonly kind: 'stop' }
  /** Send your figures now. */
  | { readonly kind: 'report' }
  | { readonly kind: 'hits'; readonly hits: AllHits }
  /** The facts are durable, or refused. */
  | { readonly kind: 'facts'; readonly id: string; readonly refused?: FactsRefused }
  | { readonly kind: 'scraped'; readonly id: number; readonly text: string };
