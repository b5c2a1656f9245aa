import type { Rows } from '../../core/model/rows.ts';
import type { RowNote } from '../../core/steps/facts/held.ts';
import type { CoveredRows } from '../../core/steps/facts/session.ts';
import { onlyEndsSegment, type StepRows } from '../../core/steps/port.ts';
import { valuesOf } from '../../core/steps/row-values.ts';
import { formatTime, nsOf } from '../../core/steps/time.ts';
import type { PreparedRows, RowOrigins } from '../prepared-rows.ts';
import type { StepInput } from './step-input.ts';

/** Rows to be labelled; `kept` says which of those that the steps gave they are. */
export function rowsOf(
  given: StepRows,
  isOwn: ((row: number) => boolean) | undefined,
): { readonly rows: Rows; readonly kept: readonly number[] } {
  const { count, names, devices, seconds, nanoseconds, segments } = given;
  const kept: number[] = [];
  for (let row = 0; row < count; row++) if (segments[row] !== onlyEndsSegment && (!isOwn || isOwn(row))) kept.push(row);
  const rows = {
    count: kept.length,
    ...valuesOf(given, kept),
    devices: kept.map((row) => names[devices[row] ?? 0] ?? ''),
    times: timesOf(seconds, nanoseconds, kept),
  };
  return { rows, kept };
}

/** What predictions repeat of these rows. @param own - the rows themselves @param kept - by row, its place among those of the steps */
export function originsOf(rows: StepRows, own: Rows, kept: readonly number[], input: StepInput): RowOrigins {
  const { windows } = rows;
  const origins = {
    count: own.count,
    devices: own.devices,
    timeTexts: kept.map((row) => formatTime(rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0)),
    received: kept.map((row) => input.receivedOf(rows.inputs[row])),
    truths: kept.map((row) => input.truthOf(rows.truths[row])),
    gapsByRow: gapsOf(own),
  };
  if (!windows) return origins;
  return {
    ...origins,
    windows: {
      from: kept.map((row) => formatTime(windows.fromSeconds[row] ?? 0, windows.fromNanoseconds[row] ?? 0)),
      samples: kept.map((row) => windows.samples[row] ?? 0),
      missing: kept.map((row) => windows.missing[row] ?? 0),
    },
  };
}

/** What a row keeps of its origin while it waits for a fact. */
export function noteOf({ inputs, truths, windows }: StepRows, row: number, input: StepInput): RowNote {
  const note = { received: input.receivedOf(inputs[row]), truth: input.truthOf(truths[row]) };
  if (!windows) return note;
  return {
    ...note,
    window: {
      from: formatTime(windows.fromSeconds[row] ?? 0, windows.fromNanoseconds[row] ?? 0),
      samples: windows.samples[row] ?? 0,
      missing: windows.missing[row] ?? 0,
    },
  };
}

/** Rows that facts cover. @param known - their times, where these are at hand @param waited - whether they waited for a fact */
export function coveredRowsOf(
  { count, values, devices, seconds, nanoseconds, notes, facts }: CoveredRows,
  width: number,
  { times: known, waited }: { readonly times?: BigInt64Array | undefined; readonly waited?: true },
): Pick<PreparedRows, 'rows' | 'origins'> {
  const rows = { count, width, values, devices, times: known ?? timesOf(seconds, nanoseconds) };
  const windows = notes.some(({ window }) => window !== undefined) && {
    from: notes.map(({ window }) => window?.from ?? ''),
    samples: notes.map(({ window }) => window?.samples ?? 0),
    missing: notes.map(({ window }) => window?.missing ?? 0),
  };
  const origins = {
    ...{ count, devices, restsOn: facts, gapsByRow: gapsOf(rows) },
    timeTexts: seconds.map((second, row) => formatTime(second, nanoseconds[row] ?? 0)),
    received: notes.map(({ received }) => received ?? ''),
    truths: notes.map(({ truth }) => truth),
    ...(waited && { waited }),
    ...(windows && { windows }),
  };
  return { rows, origins };
}

/** Nanoseconds since the epoch, of these rows or of all. */
function timesOf(seconds: ArrayLike<number>, nanoseconds: ArrayLike<number>, kept?: readonly number[]): BigInt64Array {
  const count = kept?.length ?? seconds.length;
  const times = new BigInt64Array(count);
  for (let at = 0; at < count; at++) {
    const row = kept?.[at] ?? at;
    times[at] = nsOf(seconds[row] ?? 0, nanoseconds[row] ?? 0);
  }
  return times;
}

function gapsOf({ count, width, values }: Rows): number[] {
  const gaps: number[] = [];
  for (let row = 0; row < count; row++) gaps.push(gapsIn(values, row * width, (row + 1) * width));
  return gaps;
}

function gapsIn(values: Float64Array, from: number, to: number): number {
  let gaps = 0;
  // Compared, not asked by `isNaN`: until it is optimised, a call makes an object of each value.
  for (let at = from; at < to; at++) if (!((values[at] ?? 0) <= Number.POSITIVE_INFINITY)) gaps++;
  return gaps;
}
