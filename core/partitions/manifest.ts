import { z } from 'zod';
import type { ObjectStore } from '../objects/port.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import { readRfc3339 } from '../wire/time.ts';

/** Where the manifest is. What it does not name is no part of the export. */
export const manifestKey = 'manifest.json';

/** More objects would make a manifest that is too large to be read at once. */
export const mostObjects = 500_000;

const objectSchema = z.object({
  key: z.string().min(1),
  day: z.iso.date().describe('of the first samples of its rows, in UTC'),
  device: z.string().min(1),
  part: z.int().min(0).describe('of a day with more rows than one object takes'),
  rows: z.int().min(1),
  bytes: z.int().min(1),
  content: z.string().describe('a digest of its rows'),
  columns: z.int().min(0).describe('which of `columns` it has'),
  version: z.string().optional().describe('of the object, where the storage keeps versions'),
});

const factsSchema = z.object({
  kind: z.string().min(1),
  key: z.string().min(1),
  points: z.int().min(1),
  bytes: z.int().min(1),
  version: z.string().optional(),
});

const manifestSchema = z.object({
  format: z.literal('gapline-export'),
  layout: z.literal(1),
  id: z.string().describe('another one each time that the manifest is written'),
  written: z.iso.datetime(),
  stream: z.string().min(1),
  columns: z
    .array(z.array(z.object({ name: z.string(), field: z.string() })))
    .describe('sets of columns of values: the name in the file, and the field of the stream'),
  objects: z.array(objectSchema).max(mostObjects),
  facts: z.array(factsSchema).max(mostObjects),
  replaced: z
    .array(z.string())
    .describe('objects of the manifest before, kept for those who still read by it; the next export deletes them'),
  steps: z
    .array(z.looseObject({ use: z.string() }))
    .optional()
    .describe('the steps that made its rows, where they are no readings: it was not written by an export then'),
});

/** One object of an export. */
export type ExportedObject = z.output<typeof objectSchema>;
/** One object with facts of a kind. */
export type ExportedFacts = z.output<typeof factsSchema>;
/** What an export consists of. Objects stand by device, in the order of their UTF-8 bytes, then by day and part. */
export type Manifest = z.output<typeof manifestSchema>;

/** Every object that a manifest names, by its key. */
export const keysOf = ({ objects, facts }: Pick<Manifest, 'objects' | 'facts'>): Set<string> =>
  new Set([...objects, ...facts].map(({ key }) => key));

/** The order in which the archive is read. */
export const inOrder = (a: ExportedObject, b: ExportedObject): number =>
  (a.device === b.device ? 0 : Buffer.compare(Buffer.from(a.device), Buffer.from(b.device))) ||
  (a.day < b.day ? -1 : a.day > b.day ? 1 : a.part - b.part);

/**
 * The manifest of an export, or undefined where there is none.
 * @param version - of the manifest, where an older one is meant
 * @throws {GaplineError} `data-invalid` where it cannot be understood
 */
export async function readManifest(objects: ObjectStore, version?: string): Promise<Manifest | undefined> {
  const bytes = await objects.get(manifestKey, version);
  if (bytes === undefined) return undefined;
  try {
    return manifestSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new GaplineError(
      'data-invalid',
      `${objects.name}/${manifestKey} is no manifest of an export that this Gapline knows: ${describeError(cause)}`,
      { cause },
    );
  }
}

/** Makes this the export, in one step. */
export async function writeManifest(objects: ObjectStore, manifest: Manifest): Promise<void> {
  await objects.put(manifestKey, Buffer.from(`${JSON.stringify(manifest)}\n`));
}

/** The clocks of the storage and of who exported may differ by so much. */
const mostSkewMs = 3_600_000;

/**
 * The manifest as it was at a time: the newest that was written until then.
 * @param time - RFC 3339
 * @throws {GaplineError} where the storage keeps no versions, or none is so old
 */
export async function readManifestAsOf(objects: ObjectStore, time: string): Promise<Manifest> {
  const ns = readRfc3339(time);
  if (ns === null)
    throw new GaplineError(
      'config-invalid',
      `--as-of ${time}: expected a time in RFC 3339, such as 2026-01-31T12:00:00Z`,
    );
  // Times of manifests have milliseconds; one that was written within the millisecond that is named is meant.
  const atMs = Number(BigInt(ns) / 1_000_000n);
  let oldest: string | undefined;
  for (const { version, modifiedMs } of await objects.versions(manifestKey)) {
    if (modifiedMs > atMs + mostSkewMs) continue;
    const manifest = await readManifest(objects, version);
    if (manifest && Date.parse(manifest.written) <= atMs) return manifest;
    oldest = manifest?.written ?? oldest;
  }
  const found = oldest === undefined ? 'there is none' : `the oldest near it is of ${oldest}`;
  throw new GaplineError('data-invalid', `${objects.name}: no export that is kept was written until ${time}; ${found}`);
}
