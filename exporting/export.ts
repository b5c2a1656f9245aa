import { randomUUID } from 'node:crypto';
import type { ObjectInfo, ObjectStore } from '../core/objects/port.ts';
import { keysOf, type Manifest, readManifest, writeManifest } from '../core/partitions/manifest.ts';
import { dayName, dayNs, dayOf, factsFolder, readingsFolder } from '../core/partitions/names.ts';
import { columnsOf } from '../core/partitions/rows.ts';
import type { SeriesStore } from '../core/store/port.ts';
import { pointsOf } from '../core/store/stored-point.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { Encoder } from './encoder.ts';
import { exportFacts } from './facts.ts';
import { ObjectWriter, type WriterOptions } from './object-writer.ts';
import { RowSender } from './row-sender.ts';
import { leftovers, setOf, settle } from './settle.ts';

/** Cells of one object: what it takes in memory, eight bytes each, before it is written. */
const mostCells = 8_000_000;

export interface ExportInput extends WriterOptions {
  /** Started. */
  readonly store: Pick<SeriesStore, 'read' | 'visit'>;
  /** Whose readings: the measurement. */
  readonly stream: string;
  /** Half open; the days that it touches are exported whole. Nanoseconds since the epoch as decimal strings. */
  readonly range: { readonly from: string; readonly to: string };
  /** Kinds of facts of the stream, which are exported too. Default: none. */
  readonly factKinds?: readonly string[];
  /** Cells of one object at most. Default 8 million. */
  readonly mostObjectCells?: number;
}

export interface ExportResult {
  /** Rows and objects of the whole export, as the manifest has it now. */
  readonly rows: number;
  readonly objects: number;
  /** Objects that this run wrote. */
  readonly written: number;
  /** Objects that an earlier run wrote, which did not come to its end. */
  readonly resumed: number;
  /** Days of devices of which the archive has fewer rows than the export: the export keeps its own. */
  readonly keptLonger: number;
  /** When the manifest was written, in RFC 3339. */
  readonly at: string;
}

/**
 * Writes the readings of an archive as objects, one or more for each day of a device, and last the manifest that names them, which makes
 * them the export in one step. What has not changed is not written again, and neither is what an interrupted run wrote.
 * @throws {GaplineError} `config-invalid` where the place holds another stream; those of the store and of the storage
 */
export async function exportReadings(input: ExportInput): Promise<ExportResult> {
  const { objects, stream } = input;
  const before = await readManifest(objects);
  if (before && before.stream !== stream)
    throw new GaplineError(
      'config-invalid',
      `--to ${objects.name} holds an export of the stream ${before.stream}; choose another place for ${stream}`,
    );
  if (before?.steps)
    throw new GaplineError(
      'config-invalid',
      `--to ${objects.name} holds rows that steps made of an export; choose another place for readings`,
    );
  const stored = await listStored(objects);
  const { fields, form } = input;
  const mostRows = Math.max(1, Math.floor((input.mostObjectCells ?? mostCells) / (fields.length + 3)));
  const staging = objects.staging?.(readingsFolder);
  const isFirst = stored.size === 0;
  const encoder = new Encoder({ fields, form, mostRows, isFirst, ...(staging && { staging: staging.path }) });
  const writer = new ObjectWriter({ ...input, ...(staging && { staging }) }, encoder, { before, stored });
  try {
    await readInto(input, new RowSender(fields, encoder, mostRows), writer);
    const found = await writer.done();
    const { kept, dropped, keptLonger } = settle(before, found);
    await deleteAll(objects, dropped);
    const facts = await exportFacts({ ...input, kinds: input.factKinds ?? [], stored }, before);
    const manifest = await swap(input, before, { objects: kept, facts });
    await deleteAll(objects, leftovers(manifest, before, stored));
    return {
      rows: manifest.objects.reduce((sum, { rows }) => sum + rows, 0),
      objects: manifest.objects.length,
      written: writer.written,
      resumed: writer.resumed,
      keptLonger,
      at: manifest.written,
    };
  } finally {
    await encoder.close();
    await writer.close();
    await staging?.clear();
  }
}

/** Reads the archive once, and cuts it into objects. */
async function readInto({ store, stream, range }: ExportInput, rows: RowSender, writer: ObjectWriter) {
  const whole = { from: dayOf(BigInt(range.from)) * dayNs, to: (dayOf(BigInt(range.to) - 1n) + 1n) * dayNs };
  let device: string | undefined;
  let [start, end] = [0n, 0n];
  let part = 0;
  const seal = async () => {
    const { count } = rows;
    if (device === undefined || count === 0) return;
    await writer.whenRoom();
    rows.flush();
    writer.write({ day: dayName(dayOf(start)), device }, part, count);
    part += 1;
  };
  const options = { measurement: stream, range: { from: whole.from.toString(), to: whole.to.toString() } };
  for await (const points of pointsOf(store, options)) {
    for (const point of points) {
      const { time } = point;
      if (point.device !== device || time >= end || rows.full) {
        await seal();
        if (point.device !== device || time >= end) part = 0;
        device = point.device;
        start = dayOf(time) * dayNs;
        end = start + dayNs;
      }
      const added = rows.add(point);
      if (added) await added;
    }
  }
  await seal();
}

/** By key, the objects that the storage holds, whether an export names them or not. */
async function listStored(objects: ObjectStore): Promise<ReadonlyMap<string, ObjectInfo>> {
  const stored = new Map<string, ObjectInfo>();
  for (const folder of [readingsFolder, factsFolder])
    for await (const info of objects.list(folder)) stored.set(info.key, info);
  return stored;
}

/** Writes the manifest, unless it would say what it says already. */
async function swap(input: ExportInput, before: Manifest | undefined, now: Pick<Manifest, 'objects' | 'facts'>) {
  const { objects, stream, fields } = input;
  const keys = keysOf(now);
  const old = before ? keysOf(before) : new Set<string>();
  const replaced = [...old.difference(keys)];
  if (before && replaced.length === 0 && old.size === keys.size && before.replaced.length === 0) return before;
  const manifest: Manifest = {
    ...{ format: 'gapline-export', layout: 1, id: randomUUID(), written: new Date().toISOString(), stream },
    columns: setOf(before, columnsOf(fields)).sets.map((set) => [...set]),
    ...now,
    replaced,
  };
  if ((await readManifest(objects))?.id !== before?.id)
    throw new GaplineError(
      'storage-refused',
      `another export wrote to ${objects.name} meanwhile; let one run at a time, and start this one again`,
    );
  await writeManifest(objects, manifest);
  return manifest;
}

async function deleteAll(objects: ObjectStore, keys: readonly string[]): Promise<void> {
  const atOnce = 8;
  for (let at = 0; at < keys.length; at += atOnce)
    await Promise.all(keys.slice(at, at + atOnce).map((key) => objects.delete(key)));
}
