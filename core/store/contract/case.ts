import { expect } from 'vitest';
import type { Point } from '../../wire/point.ts';
import type { ReadOptions, SeriesStore } from '../port.ts';
import { fieldsOf } from '../stored-point.ts';

/** An empty place for one test. */
export interface StoreUnderTest {
  /** Opens a store on that place, started. May be called again, for a second one on the same place. */
  open(): Promise<SeriesStore>;
  /** Removes the place. */
  remove(): Promise<void>;
}

/** One thing that every engine must do. */
export type Case = (store: () => SeriesStore, place: StoreUnderTest) => Promise<void>;

/** 2023-11-14T22:13:20Z, with nanoseconds that a double would lose. */
export const now = 1_700_000_000_000_000_001n;
export const always = { from: '-9223372036854775806', to: '9223372036854775806' };

export function point(fields: Point['fields'], over: Partial<Point> = {}): Point {
  return { measurement: 'spam', device: 'd1', time: String(now), fields, ...over };
}

/** Reads points, field by field as well where the store can. */
export async function readAll(store: SeriesStore, options: Partial<ReadOptions> = {}): Promise<Point[]> {
  const wanted = { measurement: 'spam', range: always, ...options };
  const points: Point[] = [];
  for await (const batch of store.read(wanted)) points.push(...batch);
  if (store.visit) {
    const visited: Point[] = [];
    for await (const batch of store.visit(wanted))
      for (const each of batch)
        visited.push({
          ...{ measurement: wanted.measurement, device: each.device, time: `${each.time}` },
          fields: fieldsOf(each),
        });
    expect(visited).toEqual(points);
  }
  return points;
}

export const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
