import { mulberry32, shuffle } from '../numeric/random/mulberry32.ts';
import { GaplineError } from '../wire/errors.ts';
import { encodeTruths } from './csv.ts';
import { eachRecord, readCsvText } from './table.ts';

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
  const rows: number[] = [];
  for (const [row, mark] of marks.entries()) if (mark === wanted) rows.push(row);
  return Int32Array.from(rows);
}

/**
 * Splits a CSV into two texts, each with the header, the lines as they stand in the file and in its order.
 * @throws {GaplineError} `data-invalid` naming file and line.
 */
export async function splitCsv(options: { file: string; truth: string; fraction: number; seed: number }) {
  const source = await readCsvText(options.file);
  const lines: string[] = [];
  const truths: string[] = [];
  let header = '';
  let truthColumn = -1;
  eachRecord(source, {
    header(names, raw) {
      header = raw;
      truthColumn = names.indexOf(options.truth);
      if (truthColumn < 0)
        throw new GaplineError('data-invalid', `${options.file}: line 1: there is no column "${options.truth}"`);
    },
    record(cells, _line, raw) {
      lines.push(raw);
      truths.push(cells[truthColumn]!);
    },
  });
  const { labels } = encodeTruths(truths.map((truth) => truth || undefined));
  const { train, test } = stratifiedSplit({ labels, fraction: options.fraction, seed: options.seed });
  const textOf = (rows: Int32Array) => `${[header, ...Array.from(rows, (row) => lines[row]!)].join('\n')}\n`;
  return { train: textOf(train), test: textOf(test) };
}
