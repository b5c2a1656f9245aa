import { endField, type Point, valuePrefix } from '../wire/point.ts';
import { distinctNames } from './names.ts';

/** A column of values: its name in the file, and the field that it holds. */
export interface ValueColumn {
  readonly name: string;
  readonly field: string;
}

/** The columns beside the values: first device and time, last the truth, and whether the row ends a segment. */
export const deviceColumn = 'device';
export const timeColumn = 'time';
export const truthColumn = 'truth';
export const endColumn = 'endsSegment';

export function columnsOf(fields: readonly string[]): ValueColumn[] {
  const names = distinctNames(fields, [deviceColumn, timeColumn, truthColumn, endColumn]);
  return names.map((name, index) => ({ name, field: fields[index] ?? name }));
}

/** The rows of one object, in order of their times, by column. Plain data: it can be sent to a thread. */
export interface ObjectRows {
  readonly device: string;
  readonly columns: readonly ValueColumn[];
  readonly count: number;
  /** Nanoseconds since the epoch. */
  readonly times: BigInt64Array;
  /** By column; NaN is a gap. */
  readonly values: readonly Float64Array[];
  /** Distinct truths in the order of first sight, and each row's index into them; -1 where it has none. */
  readonly truths: readonly string[];
  readonly truth: Int32Array;
  /** By row, 1 where it ends a segment. */
  readonly ends: Uint8Array;
}

/** The rows as the archive has points: a gap is a field that is not there. */
export function* pointsOf(rows: ObjectRows, measurement: string, perBatch = 1_000): Generator<Point[]> {
  const { device, columns, count, times, values, truths, truth, ends } = rows;
  const names = columns.map(({ field }) => valuePrefix + field);
  let batch: Point[] = [];
  for (let row = 0; row < count; row += 1) {
    const fields: Record<string, number | string> = {};
    for (const [column, name] of names.entries()) {
      const value = values[column]?.[row] ?? Number.NaN;
      if (!Number.isNaN(value)) fields[name] = value;
    }
    const known = truths[truth[row] ?? -1];
    if (known !== undefined) fields.truth = known;
    if (ends[row] === 1) fields[endField] = 1;
    batch.push({ measurement, device, time: String(times[row]), fields });
    if (batch.length < perBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Room for as many rows, every value a gap: memory that threads share, or not. */
export function emptyRows(device: string, columns: readonly ValueColumn[], count: number, isShared = false) {
  const memory = (bytesEach: number) => {
    const bytes = bytesEach * count;
    return isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  };
  return {
    ...{ device, columns, count },
    times: new BigInt64Array(memory(BigInt64Array.BYTES_PER_ELEMENT)),
    values: columns.map(() => new Float64Array(memory(Float64Array.BYTES_PER_ELEMENT)).fill(Number.NaN)),
    truths: [] as string[],
    truth: new Int32Array(memory(Int32Array.BYTES_PER_ELEMENT)).fill(-1),
    ends: new Uint8Array(memory(Uint8Array.BYTES_PER_ELEMENT)),
  } satisfies ObjectRows;
}
