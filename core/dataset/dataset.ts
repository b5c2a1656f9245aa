import { elementAt } from '../numeric/element.ts';
import type { Fact } from '../wire/fact.ts';
import type { ColumnRole } from './roles.ts';

/** Texts by row, each different one kept once. */
export interface Categories {
  readonly names: readonly string[];
  /** Index into `names` by row. */
  readonly index: Int32Array;
}

/** In {@link Dataset.segments}: the last row of a segment, and a row that measured nothing and only says that the segment is whole. */
export const segmentEnd = 1;
export const onlySegmentEnd = 2;

/** Rows to train or to replay, with gaps. */
export interface Dataset {
  /** Where the rows came from, for messages. */
  readonly file: string;
  readonly fields: readonly string[];
  readonly count: number;
  /** `fields.length`. */
  readonly width: number;
  /** Row-major, `count * width`; NaN is a gap. */
  readonly values: Float64Array;
  /** The distinct truths, sorted by code unit. Empty without a truth column. */
  readonly classes: readonly string[];
  /** Index into `classes` by row; -1 where the row has no truth. */
  readonly labels: Int32Array;
  /** Where there is such a column. */
  readonly devices?: Categories;
  /** By row, nanoseconds since the epoch, where there is such a column. */
  readonly times?: BigInt64Array;
  /** By row, whether it ends a segment, as the steps take it: 0, {@link segmentEnd} or {@link onlySegmentEnd}; absent where none does. */
  readonly segments?: Uint8Array;
  /** Every column of the table and what it became; empty where there was no table. */
  readonly columns: readonly ColumnRole[];
  /** How the table is written, where that is unusual: one sentence each. */
  readonly notes: readonly string[];
  /** What is known of its devices, for steps that decide by facts. */
  readonly facts?: readonly Fact[];
}

/** The truth of a row as it stands in the table; undefined where it has none. */
export const truthOf = ({ classes, labels }: Pick<Dataset, 'classes' | 'labels'>, row: number): string | undefined =>
  classes[elementAt(labels, row)];

/** Distinct truths, sorted, and each row's index into them. */
export function encodeTruths(truths: readonly (string | undefined)[]): { classes: string[]; labels: Int32Array } {
  const classes = [...new Set(truths)].filter((truth) => truth !== undefined).sort();
  const indexes = new Map<string | undefined, number>(classes.map((name, index) => [name, index]));
  return { classes, labels: Int32Array.from(truths, (truth) => indexes.get(truth) ?? -1) };
}

/** Texts by row as numbers of their names, in the order of first sight. */
export function encodeNames(texts: readonly string[]): Categories {
  const numbers = new Map<string, number>();
  const index = Int32Array.from(texts, (text) => {
    const found = numbers.get(text) ?? numbers.size;
    numbers.set(text, found);
    return found;
  });
  return { names: [...numbers.keys()], index };
}
