import { mulberry32, shuffle } from '../numeric/random/mulberry32.ts';
import { CsvWriter } from './csv-writer.ts';
import type { TableReading } from './reading.ts';
import type { TableRecord } from './records.ts';
import { formatTime } from './time-cell.ts';

/** Row numbers, ascending. */
export interface Split {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/**
 * Splits rows so that each label keeps its share in both parts. A label of two rows or more is in both.
 * @param labels - class by row; rows of -1 are a class of their own
 * @param fraction - the share that goes to `train`, in (0, 1)
 */
export function stratifiedSplit({
  labels,
  fraction,
  seed,
}: {
  labels: Int32Array;
  fraction: number;
  seed: number;
}): Split {
  const random = mulberry32(seed);
  const chosen = new Uint8Array(labels.length);
  for (const label of [...new Set(labels)].sort((a, b) => a - b)) {
    const rows = rowsWhere(labels, label);
    shuffle(rows, random);
    const wanted = Math.round(rows.length * fraction);
    const taken = rows.length < 2 ? rows.length : Math.min(Math.max(wanted, 1), rows.length - 1);
    for (const row of rows.subarray(0, taken)) chosen[row] = 1;
  }
  return { train: rowsWhere(chosen, 1), test: rowsWhere(chosen, 0) };
}

function rowsWhere(marks: Int32Array | Uint8Array, wanted: number): Int32Array {
  let count = 0;
  for (let row = 0; row < marks.length; row++) if (marks[row] === wanted) count += 1;
  const rows = new Int32Array(count);
  for (let row = 0, taken = 0; taken < count; row++) if (marks[row] === wanted) rows[taken++] = row;
  return rows;
}

/** Where the rows of a table go; those that are in neither part are left out. */
export interface SplitOptions {
  readonly fraction: number;
  readonly seed: number;
  /** Default: by label, at random. */
  readonly split?: Split;
  /** Files to make. */
  readonly train: string;
  readonly test: string;
}

const [inTrain, inTest] = [1, 2];

/**
 * Writes a table as two CSV files with a header, a comma and a decimal point, its rows in their order. All columns are kept; a cell
 * stands there as it was written, unless it is a value or a time that only the table's own layout explains.
 * @throws {GaplineError} `data-invalid` where the table cannot be read again.
 */
export async function splitTable(reading: TableReading, options: SplitOptions): Promise<void> {
  const { dataset, survey } = reading;
  const { labels } = dataset;
  const split = options.split ?? stratifiedSplit({ labels, fraction: options.fraction, seed: options.seed });
  const parts = new Uint8Array(dataset.count);
  for (const row of split.train) parts[row] = inTrain;
  for (const row of split.test) parts[row] = inTest;
  using train = new CsvWriter(options.train);
  using test = new CsvWriter(options.test);
  for (const writer of [train, test]) writer.header(survey.table.columns);
  const valueAt = new Map(reading.roles.values.map((column, at) => [column, at]));
  let row = 0;
  await survey.table.read((record) => {
    const part = parts[row];
    if (part !== inTrain && part !== inTest) {
      row += 1;
      return;
    }
    const writer = part === inTest ? test : train;
    for (let column = 0; column < survey.columns.length; column++) {
      const at = valueAt.get(column);
      const last = column === survey.columns.length - 1;
      if (at !== undefined && !isPlain(record, column))
        writer.text(numberText(dataset.values[row * dataset.width + at]!), last);
      else if (column === reading.roles.time) writer.text(formatTime(dataset.times![row]!), last);
      else writer.cell(record, column, last);
    }
    row += 1;
  });
}

const numberText = (value: number): string => (Number.isNaN(value) ? '' : String(value));

/** Whether a cell is nothing but digits, signs, a point and an exponent. */
function isPlain({ bytes, starts, ends }: TableRecord, column: number): boolean {
  for (let p = starts[column]!; p < ends[column]!; p++) {
    const byte = bytes[p]!;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isDigit && byte !== 0x2e && byte !== 0x2d && byte !== 0x2b && byte !== 0x65 && byte !== 0x45) return false;
  }
  return true;
}
