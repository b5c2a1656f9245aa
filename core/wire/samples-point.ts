import { endField, type Point, valuePrefix } from './point.ts';
import { sampleOffsetNs } from './sample-offset.ts';
import { type Samples, sampleCount } from './samples.ts';

/** The prefix of a field that holds many samples of a value: their numbers with commas between, nothing for a gap. */
export const columnPrefix = 's.';

/** Up to so many samples a second, each is a point of its own in the archive. */
export const mostPointsASecond = 10;
/** Samples that one point holds: 25 characters each stay below the 64 KB of a string of line protocol. */
const chunkSamples = 2_000;

/**
 * Samples as the archive keeps them. Few a second: a point each, as readings are. Else points of at most 2,000 samples with a string
 * `s.NAME` for each value, `rate`, `first` (the index in the record of the chunk's first sample), `count`, `gaps` and `truth`, and in the last one `endsSegment`.
 * `gaps` counts a field without an array at each sample, and an array up to its end: what it lacks behind that was not to be measured.
 */
export function samplesToPoints(samples: Samples, fieldCount: number): Point[] {
  const { stream: measurement, device, time, rate, values, truth, endsSegment } = samples;
  const count = sampleCount(values);
  const size = rate <= mostPointsASecond ? 1 : chunkSamples;
  const points: Point[] = [];
  for (let first = 0; first < count; first += size) {
    const chunk = Math.min(size, count - first);
    const fields: Record<string, number | string> =
      size === 1 ? { gaps: fieldCount } : { rate, first, count: chunk, gaps: fieldCount * chunk };
    for (const name in values) addColumn(fields, name, values[name] ?? [], { first, chunk, size });
    if (truth !== undefined) fields.truth = truth;
    if (endsSegment && first + chunk === count) fields[endField] = 1;
    points.push({ measurement, device, time: timeOf(time, first, rate), fields });
  }
  return points;
}

const timeOf = (first: string, index: number, rate: number): string =>
  (BigInt(first) + BigInt(sampleOffsetNs(index, rate))).toString();

function addColumn(
  fields: Record<string, number | string>,
  name: string,
  column: readonly (number | null)[],
  { first, chunk, size }: { readonly first: number; readonly chunk: number; readonly size: number },
): void {
  const part = column.slice(first, first + size);
  const measured = part.filter((value) => value !== null).length;
  fields.gaps = Number(fields.gaps) - chunk + part.length - measured;
  if (measured === 0) return;
  if (size === 1) fields[valuePrefix + name] = part[0] as number;
  else fields[columnPrefix + name] = part.map((value) => value ?? '').join(',');
}

/** Which samples of a record a point of the archive holds. */
export interface SampleSpan {
  readonly rate: number;
  /** Index in the record of the first of these samples. */
  readonly first: number;
  readonly count: number;
}

/** Samples out of the archive: as they were in the record, or a part of them. */
export interface ArchivedSamples extends SampleSpan {
  /** Of the first sample of the record, in nanoseconds. */
  readonly recordTime: string;
  /** By name, `count` numbers each; NaN is a gap. */
  readonly values: ReadonlyMap<string, Float64Array>;
}

/** When the first sample of the record was, of which a point at this time holds a part: in nanoseconds. */
export const recordTimeOf = (time: bigint, { first, rate }: Pick<SampleSpan, 'first' | 'rate'>): bigint =>
  time - BigInt(sampleOffsetNs(first, rate));

/** Reads a chunk of {@link samplesToPoints} back. @returns undefined where a point holds none */
export function samplesOfPoint({ time, fields }: Point, names: readonly string[]): ArchivedSamples | undefined {
  const { rate, first, count } = fields;
  if (typeof rate !== 'number' || typeof first !== 'number' || typeof count !== 'number') return undefined;
  const values = new Map<string, Float64Array>();
  for (const name of names) {
    const text = fields[columnPrefix + name];
    if (typeof text !== 'string') continue;
    const column = new Float64Array(count).fill(Number.NaN);
    for (const [index, cell] of text.split(',').entries()) if (cell !== '') column[index] = Number(cell);
    values.set(name, column);
  }
  const recordTime = recordTimeOf(BigInt(time), { first, rate }).toString();
  return { recordTime, rate, first, count, values };
}
