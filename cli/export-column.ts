/** A column of an exported table, beside device and time. */
export interface Column {
  readonly name: string;
  /** The field of a point that it holds. */
  readonly field: string;
  readonly type: 'REAL' | 'TEXT';
}
