/**
 * Selects a column of text so that {@link textOf} gets all of it: before version 24.16, Node cuts a text at its first NUL character, as
 * bytes it is whole.
 */
export const wholeText = (column: string): string =>
  `CASE WHEN instr(${column}, char(0)) > 0 THEN CAST(${column} AS BLOB) ELSE ${column} END AS ${column}`;

/** What {@link wholeText} selected. */
export const textOf = (value: string | Uint8Array): string =>
  typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
