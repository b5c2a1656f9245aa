import { createHash } from 'node:crypto';

/** Nanoseconds of a day. */
export const dayNs = 86_400_000_000_000n;

/** The day of a time in UTC, in days since the epoch. */
export function dayOf(time: bigint): bigint {
  const day = time / dayNs;
  return time < 0n && day * dayNs !== time ? day - 1n : day;
}

/** A day since the epoch as `2026-01-31`. */
export const dayName = (day: bigint): string => new Date(Number(day) * 86_400_000).toISOString().slice(0, 10);

/** A day by its name, in days since the epoch. */
export const dayNamed = (name: string): bigint => BigInt(Date.parse(`${name}T00:00:00Z`)) / 86_400_000n;

/** How objects are written. */
export const forms = ['parquet', 'csv'] as const;
export type Form = (typeof forms)[number];

/** All objects of readings are below this. */
export const readingsFolder = 'readings/';

export interface Partition {
  readonly day: string;
  readonly device: string;
}

/** Longer names would not fit into a file system with what is escaped. */
const mostNameChars = 80;

/** Where the objects of a day of a device are: folders as Hive names them, `readings/day=2026-01-31/device=d-7/`. */
function partitionFolder({ day, device }: Partition): string {
  const escaped = escapedName(device);
  const short =
    escaped.length <= mostNameChars && Buffer.byteLength(escaped) <= 2 * mostNameChars
      ? escaped
      : `${device.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 40)}~${createHash('sha256').update(device).digest('hex').slice(0, 16)}`;
  return `${readingsFolder}day=${day}/device=${short}/`;
}

const escapedName = (name: string): string => name.replaceAll(/[^\p{L}\p{N}._-]/gu, percentEncoded);

const percentEncoded = (sign: string): string =>
  Array.from(Buffer.from(sign), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** Where one part of a day of a device stands: the beginning of its key. */
export const partPlace = (partition: Partition, part: number): string => `${partitionFolder(partition)}part-${part}`;

/** The key of an object: named by what it holds, so that the same rows are never written twice, and other rows never over them. */
export const objectKey = (partition: Partition, part: number, content: string, form: Form): string =>
  `${partPlace(partition, part)}-${content}.${form}`;

/** What a key of {@link objectKey} consists of; undefined where it is none. */
export function readKey(
  key: string,
): { readonly place: string; readonly content: string; readonly form: Form } | undefined {
  const [, place, content, ending] = /^(readings\/.*\/part-\d+)-([0-9a-f]{32})\.(\w+)$/.exec(key) ?? [];
  const form = forms.find((one) => one === ending);
  return place !== undefined && content !== undefined && form !== undefined ? { place, content, form } : undefined;
}

/** All objects of facts are below this. */
export const factsFolder = 'facts/';

/** The key of an object of facts of one kind. */
export const factsKey = (kind: string, part: number, content: string): string =>
  `${factsFolder}kind=${escapedName(kind)}/part-${part}-${content}.ndjson`;

/** Names that differ in more than case, from those that are wanted: engines of SQL tell them apart by nothing else. */
export function distinctNames(wanted: readonly string[], reserved: readonly string[]): string[] {
  const taken = new Set(reserved.map((name) => name.toLowerCase()));
  return wanted.map((base) => {
    let name = base;
    for (let number = 2; taken.has(name.toLowerCase()); number += 1) name = `${base} (${number})`;
    taken.add(name.toLowerCase());
    return name;
  });
}
