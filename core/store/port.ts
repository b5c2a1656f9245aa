import type { Point } from '../wire/point.ts';

export interface RejectedPoint {
  /** Index into the points that were written. */
  readonly index: number;
  readonly reason: string;
}

export interface ReadOptions {
  readonly measurement: string;
  /** Half open, in nanoseconds since the epoch as decimal strings. */
  readonly range: { readonly from: string; readonly to: string };
  readonly device?: string;
}

/**
 * The series store: one contract, several engines (`sqlite.ts`, `influxdb.ts`), one suite (`contract.ts`) that each must pass.
 * A point's identity is (measurement, device, time); writing it again merges its fields over those already there.
 */
export interface SeriesStore {
  /** Opens the file or checks address, token and bucket. Rejects with what is wrong and what to do. */
  start(): Promise<void>;
  /** Waits for writes under way, then closes. Safe to call twice. */
  stop(): Promise<void>;
  /**
   * Resolves once every point is durable or refused for good (say, a field whose type is another); rejects with a retryable error where
   * the same call may go through later, and then any part of the points may have been written.
   */
  write(points: readonly Point[]): Promise<readonly RejectedPoint[]>;
  /** Streams points by device and then by time, in batches; a point has all of its fields together. */
  read(options: ReadOptions): AsyncIterable<readonly Point[]>;
}
