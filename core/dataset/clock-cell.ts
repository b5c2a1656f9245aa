/** How a time of day is written. The last two are digits alone, whose zeros in front may be missing: 60500 is 06:05:00. */
export type ClockForm = '18:05' | 'HHMM' | 'HHMMSS';

const timeOfDay = /^(?:[01]?\d|2[0-3])[:.][0-5]\d(?:[:.][0-5]\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?$/;

/** Whether a cell is a time of day without a date: `18:05:00`, or `18.05.00`. */
export const isTimeOfDay = (cell: string): boolean => timeOfDay.test(cell) && (cell.includes(':') || cell.length > 5);

const digits: Record<Exclude<ClockForm, '18:05'>, RegExp> = {
  HHMM: /^([01]\d|2[0-3])([0-5]\d)()$/,
  HHMMSS: /^([01]\d|2[0-3])([0-5]\d)([0-5]\d)$/,
};

/** The form that all cells of a column of digits have, if they are times of day; the longer one where a cell needs it. */
export function clockFormOf(cells: readonly string[]): ClockForm | undefined {
  const isLong = cells.some((cell) => cell.length > 4);
  const form = isLong ? 'HHMMSS' : 'HHMM';
  const length = form.length;
  // Of more than one length they are numbers without zeros in front, of one length as they were written.
  return cells.length > 0 &&
    cells.every((cell) => cell.length <= length && digits[form].test(cell.padStart(length, '0')))
    ? form
    : undefined;
}

/** A date and a time of day as one cell. */
export function joinTimes(date: string, time: string, form: ClockForm): string {
  if (form !== '18:05') {
    const [, hour, minute, second] = digits[form].exec(time.padStart(form.length, '0')) ?? [];
    return hour === undefined ? `${date} ${time}` : `${date} ${hour}:${minute}:${second || '00'}`;
  }
  return `${date} ${time.replace(/^(\d\d?)\.(\d\d)(?:\.(\d\d))?/, (_, hour, minute, second = '00') => `${hour}:${minute}:${second}`)}`;
}
