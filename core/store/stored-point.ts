import type { Point } from '../wire/point.ts';

type Value = Point['fields'][string];

export type OnField = (name: string, value: Value) => void;

/** A point that hands its fields out one by one: to make an object of them is most of what it costs to read a point of many. */
export interface StoredPoint {
  readonly device: string;
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  each(onField: OnField): void;
}

/** All fields of a point. */
export function fieldsOf(point: Pick<StoredPoint, 'each'>): Point['fields'] {
  const entries: [string, Value][] = [];
  point.each((name, value) => entries.push([name, value]));
  // Not by assignment, to which `__proto__` is no name like any other.
  return Object.fromEntries(entries);
}

/** Points of a store that reads objects only. */
export const asStored = ({ device, time, fields }: Point): StoredPoint => ({
  device,
  time: BigInt(time),
  each(onField) {
    for (const [name, value] of Object.entries(fields)) onField(name, value);
  },
});
