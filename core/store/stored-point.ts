import type { Point } from '../wire/point.ts';
import type { ReadOptions, SeriesStore, StoredPoint } from './port.ts';

type Value = Point['fields'][string];

/** All fields of a point. */
export function fieldsOf(point: Pick<StoredPoint, 'each'>): Point['fields'] {
  const entries: [string, Value][] = [];
  point.each((name, value) => entries.push([name, value]));
  // Not by assignment, to which `__proto__` is no name like any other.
  return Object.fromEntries(entries);
}

const asStored = ({ device, time, fields }: Point): StoredPoint => ({
  device,
  time: BigInt(time),
  each(onField) {
    for (const [name, value] of Object.entries(fields)) onField(name, value);
  },
});

/** Streams points in the way that costs the store least. */
export async function* pointsOf(
  store: Pick<SeriesStore, 'read' | 'visit'>,
  options: ReadOptions,
): AsyncIterable<readonly StoredPoint[]> {
  if (store.visit) yield* store.visit(options);
  else for await (const points of store.read(options)) yield points.map(asStored);
}
