import type { Visit } from './records.ts';

/** One file of a table. It can be read as often as need be. */
export interface TableFile {
  readonly file: string;
  /** The columns; one without a name is called by its place: `column 3`. */
  readonly names: readonly string[];
  /** Whether the file itself names them. */
  readonly named: boolean;
  /** How the file is laid out, where that is unusual. */
  readonly notes: readonly string[];
  /** Bytes of its text, or how many records there are; neither where it is packed. */
  readonly size: { readonly bytes: number } | { readonly records: number } | undefined;
  /** By index, the columns whose cells cannot be read, with the reason: their cells are empty. Absent where all can. */
  readonly unread?: ReadonlyMap<number, string>;
  /** Visits every record in order; each has as many cells as there are names. @returns further notes. */
  read(visit: Visit): Promise<readonly string[]>;
}
