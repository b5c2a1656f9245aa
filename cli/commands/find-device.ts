import { type DatasetOptions, readTable } from '../../core/dataset/read.ts';
import type { TableReading } from '../../core/dataset/reading.ts';
import { samplingOf } from '../../core/dataset/sampling.ts';
import type { Survey } from '../../core/dataset/survey.ts';
import { GaplineError } from '../../core/wire/errors.ts';

/** Columns that are tried; each costs a reading of the table. */
const mostTried = 5;

/**
 * Reads a table of samples. A single column of dates is the time. Where no column is called like a device and the rows are not sampled regularly as they stand, the columns
 * that name things are tried: the one by whose names the times are regular is the device.
 * @returns with it how the device was found, where it was
 */
export async function readSamples(
  options: Omit<DatasetOptions, 'file'>,
  survey: Survey,
): Promise<TableReading & { readonly foundDevice?: string }> {
  const time = options.time ?? onlyTime(survey);
  const timed = { ...options, ...(time !== undefined && { time }) };
  const reading = await readTable(timed, survey);
  if (reading.roles.device >= 0 || reading.roles.time < 0 || isRegular(reading)) return reading;
  for (const device of candidatesOf(survey, reading)) {
    const other = await readTable({ ...timed, device }, survey);
    if (isRegular(other)) return { ...other, foundDevice: device };
  }
  return reading;
}

/** The only column of dates, whatever it is called. */
function onlyTime({ columns }: Survey): string | undefined {
  const [only, ...more] = columns.filter(({ kind, gaps }) => kind === 'time' && gaps === 0);
  return more.length === 0 ? only?.name : undefined;
}

function candidatesOf({ columns }: Survey, { roles }: TableReading): string[] {
  const names = columns.filter(
    ({ kind, gaps, full, distinct, rows, wholes, numbers }, index) =>
      index !== roles.truth &&
      (kind === 'text' || (kind === 'numeric' && wholes === numbers)) &&
      gaps === 0 &&
      !full &&
      distinct.size > 1 &&
      distinct.size * 2 <= rows,
  );
  // Words are likelier names than numbers are.
  const words = names.filter(({ kind }) => kind === 'text');
  return [...words, ...names.filter(({ kind }) => kind !== 'text')].slice(0, mostTried).map(({ name }) => name);
}

function isRegular({ dataset }: TableReading): boolean {
  try {
    samplingOf(dataset);
    return true;
  } catch (error) {
    if (error instanceof GaplineError) return false;
    throw error;
  }
}
