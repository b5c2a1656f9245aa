import type { Shape } from '../port.ts';

/** Neighbouring columns that are the samples of one channel. */
export interface RowRun {
  readonly first: number;
  readonly length: number;
}

/**
 * The shape of rows whose named columns are the samples of one channel. Where such channels, all of one length, make up the whole row,
 * it is a series: of many columns none is looked at alone then, drift watches channels.
 */
export function withRun(shape: Shape, columns: readonly number[]): Shape {
  const { series: _, ...rest } = shape;
  const [first = 0] = columns;
  const isRun = columns.every((column, at) => column === first + at);
  if (!isRun) return rest;
  const others = (shape.rowRuns ?? []).filter((run) => run.first !== first || run.length !== columns.length);
  const rowRuns = [...others, { first, length: columns.length }].sort((a, b) => a.first - b.first);
  const series = seriesOf(shape.channels, rowRuns);
  return { ...rest, rowRuns, ...(series && { series }) };
}

function seriesOf(columns: readonly string[], runs: readonly RowRun[]): Shape['series'] {
  const length = columns.length / runs.length;
  const isWhole = length >= 2 && runs.every((run, at) => run.first === at * length && run.length === length);
  return isWhole ? seriesOfColumns(columns, runs.length) : undefined;
}

/** Rows of channels of one length, channel after channel. Each is called by what the names of its columns begin with. */
export function seriesOfColumns(columns: readonly string[], channels = 1): NonNullable<Shape['series']> {
  const length = columns.length / channels;
  const parts = Array.from({ length: channels }, (_, at) => columns.slice(at * length, (at + 1) * length));
  const names = parts.map(beginningOf);
  const tell = names.every((name) => name !== '') && new Set(names).size === names.length;
  return { channels: tell ? names : parts.map(([name = '']) => name), length };
}

/** `sample` of `sample0`, `sample1`, `sample2`; empty where names have nothing in common. */
function beginningOf(names: readonly string[]): string {
  let [common = ''] = names;
  for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1);
  return common.replace(/[\s._-]*\d*$/, '');
}
