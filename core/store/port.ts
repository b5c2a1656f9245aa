import type { Point } from '../wire/point.ts';

/** A point that the store refuses for good. None of its fields are kept. */
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

export type OnField = (name: string, value: Point['fields'][string]) => void;

/** Takes a long text as the UTF-8 that it is stored in. */
export type OnUtf8 = (name: string, utf8: Uint8Array) => void;

/** A point that hands its fields out one by one: to make an object of them is most of what it costs to read a point of many. */
export interface StoredPoint {
  readonly device: string;
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  /** @param onUtf8 - who takes long texts, where the store has their bytes at hand: to make a string of one takes longer than to read it */
  each(onField: OnField, onUtf8?: OnUtf8): void;
}

/**
 * The series store: one contract, several engines (`sqlite.ts`, `influxdb.ts`), one suite (`contract.ts`) that each must pass.
 * A point's identity is (measurement, device, time); writing it again merges its fields over those already there.
 */
export interface SeriesStore {
  /** Opens the file or checks address, token and bucket. Rejects with the cause and a remedy. */
  start(): Promise<void>;
  /** Waits for running writes, then closes. Safe to call twice. */
  stop(): Promise<void>;
  /**
   * Resolves once every point is durable or refused for good: a field whose type is another, a name or string that is no valid
   * Unicode, a number that is not finite, a time outside the years 1677 to 2262, no fields, an empty name. Of points with one identity
   * in one call the later wins. It rejects with a retryable error where the same call may go through later, and then any part of the
   * points may have been written; an error that is not retryable names what a person must correct.
   */
  write(points: readonly Point[]): Promise<readonly RejectedPoint[]>;
  /**
   * Streams points by device (in the order of their UTF-8 bytes) and then by time, in batches of bounded size. A point has all of its
   * fields together. Points written meanwhile may or may not be among them.
   */
  read(options: ReadOptions): AsyncIterable<readonly Point[]>;
  /**
   * The same points for who takes fields one by one, which must be done before the next batch is asked for. Absent where a store has
   * nothing faster than {@link read}.
   */
  visit?(options: ReadOptions): AsyncIterable<readonly StoredPoint[]>;
}
