import type { Dataset } from '../core/dataset/dataset.ts';
import { elementAt } from '../core/numeric/element.ts';
import { PointRow } from '../core/store/point-row.ts';
import type { SeriesStore } from '../core/store/port.ts';
import { pointsOf } from '../core/store/stored-point.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { endField, type Point, valuePrefix } from '../core/wire/point.ts';
import { sampleOffsetNs } from '../core/wire/sample-offset.ts';
import { samplesOfPoint } from '../core/wire/samples-point.ts';
import { compareTimes, maxTimeNs, minTimeNs, nanosecondsOfMs, readRfc3339 } from '../core/wire/time.ts';
import { ArchivedRows } from './archived-rows.ts';

/** Half open, in nanoseconds since the epoch as decimal strings. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

export interface ArchiveInput {
  /** Started; or an export of one. */
  readonly store: Pick<SeriesStore, 'read' | 'visit'>;
  /** Where the readings are, for messages. Default: the archive of the stream. */
  readonly place?: string;
  /** Whose readings: the measurement. */
  readonly stream: string;
  readonly fields: readonly string[];
  readonly range: TimeRange;
  /** Of more readings than this a sample is taken, evenly and the same each time. Default one million. */
  readonly maxRows?: number;
  /** Whether no row may be left out, not even one without truth, because windows are cut from them: more than `maxRows` are an error then. */
  readonly whole?: boolean;
}

/** A data set from the archive, and what was skipped. */
export interface ArchivedDataset extends Dataset {
  /** Readings in the range whose truth nobody knows: they teach nothing. */
  readonly withoutTruth: number;
  /** Readings with truth that the sample left out. */
  readonly leftOut: number;
}

/**
 * Reads readings with truth back out of the archive, gaps and all, by device and time.
 * @throws {GaplineError} `data-invalid` where there are none in the range.
 */
export async function readArchive({
  store,
  stream,
  fields,
  range,
  place = `archive of ${stream}`,
  maxRows = 1_000_000,
  whole = false,
}: ArchiveInput): Promise<ArchivedDataset> {
  const rows = new ArchivedRows(fields.length, maxRows);
  const row = new PointRow(fields);
  let seen = 0;
  let withoutTruth = 0;
  for await (const points of pointsOf(store, { measurement: stream, range })) {
    for (const point of points) {
      row.read(point);
      const { samples, truth, isRow } = row;
      const found = Number(isRow) + (samples?.count ?? 0);
      seen += found;
      if (whole && seen > maxRows) throw tooMany(place, range, maxRows);
      if (truth === undefined) withoutTruth += found;
      if (truth === undefined && !whole) continue;
      if (isRow) rows.offerRow(point, row);
      rows.offerSamples(point, row);
    }
  }
  if (seen === withoutTruth) {
    const found = seen === 0 ? 'there are no readings' : `none of the ${seen} readings has a truth`;
    throw new GaplineError('data-invalid', `${place}: ${found} from ${range.from} to ${range.to}`);
  }
  const taken = rows.taken();
  const leftOut = rows.offered - taken.count;
  return { ...{ file: place, fields, columns: [], notes: [] }, ...taken, withoutTruth, leftOut };
}

/** A point of one sample is a row, and so is each of many samples. Points that hold both, at the same time, give both. */
export function* rowsOf(point: Point, fields: readonly string[]): Generator<Point> {
  const samples = samplesOfPoint(point, fields);
  if (samples === undefined) {
    yield point;
    return;
  }
  const own = fields.some((name) => valuePrefix + name in point.fields);
  if (own) yield point;
  const { truth } = point.fields;
  const ends = endField in point.fields;
  const record = BigInt(samples.recordTime);
  for (let index = 0; index < samples.count; index++) {
    const values: Record<string, number | string> = {};
    for (const [name, column] of samples.values) {
      const value = elementAt(column, index);
      if (!Number.isNaN(value)) values[valuePrefix + name] = value;
    }
    if (typeof truth === 'string') values.truth = truth;
    if (ends && index === samples.count - 1) values[endField] = 1;
    const time = record + BigInt(sampleOffsetNs(samples.first + index, samples.rate));
    yield { ...point, time: time.toString(), fields: values };
  }
}

const tooMany = (place: string, { from, to }: TimeRange, most: number) =>
  new GaplineError('data-invalid', `${place}: more than ${most} samples from ${from} to ${to}; choose a shorter range`);

const unitsMs = new Map(Object.entries({ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }));

/**
 * Reads a range as people write it: `-7d` (back from now; s, m, h, d or w), or `FROM..TO` with RFC 3339 times, either of which may be left out.
 * @throws {GaplineError} `config-invalid` saying what would be right.
 */
export function parseRange(text: string, nowMs: number): TimeRange {
  const [, amount, unit = ''] = /^-(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const unitMs = unitsMs.get(unit);
  // A reading may be stamped a little ahead of this clock.
  if (unitMs !== undefined) return { from: nanosecondsOfMs(nowMs - Number(amount) * unitMs), to: maxTimeNs.toString() };
  const [, first, last] = /^(.*)\.\.(.*)$/.exec(text) ?? [];
  const from = first === '' ? minTimeNs.toString() : first && readRfc3339(first);
  const to = last === '' ? maxTimeNs.toString() : last && readRfc3339(last);
  if (from && to && compareTimes(from, to) < 0) return { from, to };
  const right = 'a range is like -7d or 2026-01-01T00:00:00Z..2026-02-01T00:00:00Z';
  throw new GaplineError('config-invalid', `range "${text}" cannot be read: ${right}`);
}
