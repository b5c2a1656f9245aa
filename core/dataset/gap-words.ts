/** What pandas, R, C, databases and spreadsheets write for a value that is missing, and UCI's question mark. */
const words = [
  ...['', 'NA', 'N/A', 'NaN', 'NaT', 'NULL', 'None', 'nil', '<NA>', '-NaN', 'n/a', 'nan', '-nan', 'null'],
  ...['#N/A', '#N/A N/A', '#NA', '1.#IND', '-1.#IND', '1.#QNAN', '-1.#QNAN', '\\N', '?', '.', '-', '--', '---'],
  ...['+nan', 'nan(ind)', '-nan(ind)', 'nan(snan)', '-nan(snan)', '<null>', '(null)', 'N.A.', 'n.a.'],
  ...['#DIV/0!', '#VALUE!', '#NUM!', '#REF!', '#NULL!', '#NAME?'],
] as const;

const exact = new Set<string>(words);
const anyCase = new Set(words.map((word) => word.toLowerCase()));
const longest = Math.max(...words.map((word) => word.length));

/** True for a cell that stands for a value which was not measured, in any case. */
export function isGap(cell: string): boolean {
  return cell.length <= longest && anyCase.has(cell.toLowerCase());
}

/** True for a label's cell that stands for "not labelled": the words as they are written, so that `none` may be a class. */
export function isUnlabelled(cell: string): boolean {
  return cell.length <= longest && exact.has(cell);
}
