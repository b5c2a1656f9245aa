import type { ObjectStore } from '../objects/port.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { Point } from '../wire/point.ts';
import { compareTimes } from '../wire/time.ts';
import { fromCsv } from './csv.ts';
import { type ExportedObject, inOrder, type Manifest, readManifest, readManifestAsOf } from './manifest.ts';
import { dayNamed, dayNs, readKey } from './names.ts';
import { readFacts } from './read-facts.ts';
import { fromParquet } from './read-parquet.ts';
import { type ObjectRows, pointsOf } from './rows.ts';

/** An export, read through its manifest. */
export interface ExportReader {
  /** Where it is, for messages. */
  readonly name: string;
  readonly manifest: Manifest;
  /**
   * Rows as points, by device and then by time, as the archive gives them. Of samples, which the archive keeps many in a point, each is
   * one of its own, and by its own time in the range or not. Of facts, all of a measurement.
   * @throws {GaplineError} `data-invalid` where an object is gone or damaged
   */
  read(options: { readonly measurement: string; readonly range: { from: string; to: string } }): AsyncIterable<Point[]>;
}

/** Objects that are got while one is read. */
const ahead = 2;

/**
 * Opens an export.
 * @param asOf - RFC 3339: as it was then, where the storage keeps versions
 * @throws {GaplineError} `data-invalid` where there is none
 */
export async function openExport(objects: ObjectStore, asOf?: string): Promise<ExportReader> {
  const manifest = await (asOf === undefined ? readManifest(objects) : readManifestAsOf(objects, asOf));
  if (!manifest)
    throw new GaplineError(
      'data-invalid',
      `${objects.name} holds no export (no manifest.json); make one: gapline export readings --to ${objects.name}`,
    );
  return {
    name: objects.name,
    manifest,
    async *read({ measurement, range }) {
      if (measurement.startsWith(`${manifest.stream}.`)) {
        yield* readFacts(objects, manifest, measurement);
        return;
      }
      if (measurement !== manifest.stream)
        throw new GaplineError(
          'data-invalid',
          `${objects.name} is an export of the stream ${manifest.stream}, not of ${measurement}`,
        );
      const wanted = manifest.objects.filter((object) => touches(object, range)).sort(inOrder);
      for await (const rows of gotAhead(wanted, (object) => readObject(objects, manifest, object)))
        for (const points of pointsOf(rows, measurement)) {
          const within = points.filter(
            ({ time }) => compareTimes(time, range.from) >= 0 && compareTimes(time, range.to) < 0,
          );
          if (within.length > 0) yield within;
        }
    },
  };
}

/** Samples of one point may reach into the day behind. */
function touches({ day }: ExportedObject, { from, to }: { from: string; to: string }): boolean {
  const start = dayNamed(day) * dayNs;
  return start < BigInt(to) && start + 2n * dayNs > BigInt(from);
}

/** Works on some of a list at once, and gives the results in their order. */
async function* gotAhead<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  try {
    for (const item of items) {
      const result = work(item);
      // It is awaited later, and until then no error may be without a listener.
      result.catch(() => {});
      underWay.push(result);
      if (underWay.length <= ahead) continue;
      const [next] = underWay.splice(0, 1);
      if (next) yield await next;
    }
    for (const next of underWay.splice(0)) yield await next;
  } finally {
    await Promise.allSettled(underWay);
  }
}

/** The rows of one object. @throws {GaplineError} `data-invalid` where it is not what the manifest says */
export async function readObject(
  objects: ObjectStore,
  manifest: Pick<Manifest, 'columns'>,
  object: ExportedObject,
): Promise<ObjectRows> {
  const { key, version, rows: count, bytes: size, device } = object;
  const place = `${objects.name}/${key}`;
  const invalid = (what: string, cause?: unknown) =>
    new GaplineError('data-invalid', `${place}: ${what}`, cause === undefined ? {} : { cause });
  const bytes = await objects.get(key, version);
  if (bytes === undefined)
    throw invalid('the manifest names it, and it is gone; a later export may have replaced it: start again');
  if (bytes.length !== size) throw invalid(`it has ${bytes.length} bytes, the manifest says ${size}; export again`);
  const columns = manifest.columns[object.columns];
  if (!columns) throw invalid('the manifest does not say which columns it has');
  const decode = async () =>
    readKey(key)?.form === 'csv' ? fromCsv(place, bytes, columns, count) : await fromParquet(bytes, columns);
  const rows = await decode().catch((error: unknown) => {
    throw invalid(`it cannot be read: ${describeError(error)}; delete it, and export again`, error);
  });
  if (rows.count !== count || rows.device !== device)
    throw invalid(`it has ${rows.count} rows of ${rows.device}, the manifest says ${count} of ${device}; export again`);
  return rows;
}
