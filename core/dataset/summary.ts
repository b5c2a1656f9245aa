import { parseCell } from './cell.ts';
import { eachRecord, readCsvText } from './table.ts';

/** What a column holds, as far as it helps to guess its role. */
export interface ColumnSummary {
  readonly name: string;
  /** `empty`: nothing but gaps. `text`: at least one cell is neither a number nor a gap. */
  readonly kind: 'numeric' | 'text' | 'empty';
  /** Different cells that are not gaps; counting stops at {@link distinctCap}. */
  readonly distinct: number;
  readonly gaps: number;
  /** True for numeric columns of whole numbers. */
  readonly whole: boolean;
  readonly rows: number;
}

export const distinctCap = 1_000;

interface Tally {
  readonly name: string;
  readonly distinct: Set<string>;
  gaps: number;
  text: number;
  whole: boolean;
  rows: number;
}

function count(tally: Tally, cell: string): void {
  tally.rows += 1;
  const value = parseCell(cell);
  if (value !== undefined && Number.isNaN(value)) {
    tally.gaps += 1;
    return;
  }
  if (value === undefined) tally.text += 1;
  else if (!Number.isInteger(value)) tally.whole = false;
  if (tally.distinct.size < distinctCap) tally.distinct.add(cell);
}

/**
 * Looks at every column of a CSV.
 * @throws {GaplineError} `data-invalid` naming file and line.
 */
export async function summariseColumns(file: string): Promise<ColumnSummary[]> {
  let tallies: Tally[] = [];
  eachRecord(await readCsvText(file), {
    header(names) {
      tallies = names.map((name) => ({ name, distinct: new Set(), gaps: 0, text: 0, whole: true, rows: 0 }));
    },
    record(cells) {
      for (const [index, tally] of tallies.entries()) count(tally, cells[index]!);
    },
  });
  return tallies.map(({ name, distinct, gaps, text, whole, rows }) => {
    const kind = distinct.size === 0 ? 'empty' : text > 0 ? 'text' : 'numeric';
    return { name, kind, distinct: distinct.size, gaps, whole: kind === 'numeric' && whole, rows };
  });
}

/** What label columns are called, likeliest first, in lower case. */
const labelNames = ['label', 'class', 'target', 'truth', 'species', 'outcome', 'category', 'diagnosis', 'y'] as const;

/** More classes than this are not guessed at: the column is likelier a name or a measurement. */
const maxClasses = 30;

const isLabelLike = ({ distinct, kind, whole }: ColumnSummary) =>
  distinct >= 2 && distinct <= maxClasses && (kind === 'text' || whole);

/**
 * Guesses which column is the label: one that is named like a label, else the last (then the first) column with few distinct values,
 * text before numbers. Undefined where nothing fits.
 */
export function guessLabel(columns: readonly ColumnSummary[]): string | undefined {
  const usable = columns.filter((column) => column.name !== '' && isLabelLike(column));
  for (const wanted of labelNames) {
    const named = usable.find(({ name }) => name.trim().toLowerCase() === wanted);
    if (named) return named.name;
  }
  const contains = usable.find(({ name }) => /(^|[_ .-])(label|class|target|outcome)([_ .-]|$)/i.test(name));
  const last = columns.at(-1);
  const candidates = [
    contains,
    usable.find((column) => column === last),
    usable.findLast(({ kind }) => kind === 'text'),
    usable.find((column) => column === columns[0]),
    usable.findLast(({ kind }) => kind === 'numeric'),
  ];
  return candidates.find((candidate) => candidate !== undefined)?.name;
}
