import { readFile } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse/sync';
import { describeError, GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';

/** The text of a CSV file, with the name that errors give it. */
export interface CsvText {
  readonly file: string;
  readonly text: string;
}

/** What {@link eachRecord} tells of. */
export interface CsvVisitor {
  /** Called once, first. `raw` is the header as it stands in the file, without its end of line. */
  header(names: readonly string[], raw: string): void;
  /** Called for each record. `line` counts from 1; `raw` is the record as it stands in the file, without its end of line. */
  record(cells: readonly string[], line: number, raw: string): void;
}

/** @throws {GaplineError} `data-invalid` where the file cannot be opened or is not UTF-8. */
export async function readCsvText(file: string): Promise<CsvText> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new GaplineError('data-invalid', `${file}: cannot be read: ${describeError(error)}`, { cause: error });
  }
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    throw new GaplineError('data-invalid', `${file}: is not UTF-8; save it as UTF-8 and try again`, { cause: error });
  }
}

const delimiters = [',', ';', '\t', '|'] as const;

/** The delimiter that the header uses most outside of quotes; a comma where none is used. */
function delimiterOf(text: string): string {
  const counts = new Map<string, number>(delimiters.map((delimiter) => [delimiter, 0]));
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '\n' || character === '\r') break;
    else if (counts.has(character)) counts.set(character, counts.get(character)! + 1);
  }
  return delimiters.reduce((best, next) => (counts.get(next)! > counts.get(best)! ? next : best));
}

function checkHeader(file: string, names: readonly string[]): void {
  const seen = new Set<string>();
  names.forEach((name, index) => {
    if (name !== '' && seen.has(name))
      throw new GaplineError(
        'data-invalid',
        `${file}: line 1, column ${index + 1}: the name "${shorten(name)}" is used twice`,
      );
    seen.add(name);
  });
}

/**
 * Reads a CSV with a header, record by record. Delimiters are comma, semicolon, tab or bar, seen from the header; quotes, a byte
 * order mark, any end of line and empty lines are understood; space around a delimiter is not part of a cell.
 * @throws {GaplineError} `data-invalid` naming file and line.
 */
export function eachRecord({ file, text }: CsvText, visitor: CsvVisitor): void {
  let records = -1;
  const visit = (cells: readonly string[], line: number, raw: string): void => {
    records += 1;
    if (records > 0) visitor.record(cells, line, raw);
    else {
      checkHeader(file, cells);
      visitor.header(cells, raw);
    }
  };
  // TextDecoder took the byte order mark; a text made otherwise may still have it.
  const options = { bom: true, trim: true, skip_empty_lines: true, raw: true, delimiter: delimiterOf(text) };
  // With `raw`, csv-parse hands over the cells and the text that they came from; its types do not say so.
  const on_record = (record: unknown, { lines }: { lines: number }) => {
    const { record: cells, raw } = record as { record: string[]; raw: string };
    visit(cells, lines, raw.replace(/^[\r\n]+|[\r\n]+$/g, ''));
    return null;
  };
  try {
    parse(text, { ...options, on_record });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? `line ${error.lines}: ` : '';
    throw new GaplineError('data-invalid', `${file}: ${line}${shorten(error.message, 300)}`, { cause: error });
  }
  if (records < 0) throw new GaplineError('data-invalid', `${file}: is empty; its first line must name the columns`);
  if (records === 0) throw new GaplineError('data-invalid', `${file}: has a header but no lines of data`);
}
