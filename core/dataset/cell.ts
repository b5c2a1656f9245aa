/** How people write "not measured" in a CSV, in lower case; what pandas and R read as missing, and UCI's question mark. */
const gapWords = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', 'none', '?']);

/** A plain decimal number: digits, one point, an exponent. Not hexadecimal, not `Infinity`, no digit separators. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** True for a cell that stands for a value which was not measured. */
export function isGap(cell: string): boolean {
  return cell.length <= 4 && gapWords.has(cell.trim().toLowerCase());
}

/** The number that a cell holds: NaN for a gap, undefined where it is neither a gap nor a finite decimal number. */
export function parseCell(cell: string): number | undefined {
  if (decimal.test(cell)) {
    const value = Number(cell);
    return Number.isFinite(value) ? value : undefined;
  }
  return isGap(cell) ? Number.NaN : undefined;
}
