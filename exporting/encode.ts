import { toCsv } from '../core/partitions/csv.ts';
import type { Form } from '../core/partitions/names.ts';
import { contentOf, type ObjectRows } from '../core/partitions/rows.ts';
import { toParquet } from '../core/partitions/write-parquet.ts';

export interface EncodeJob {
  readonly id: number;
  readonly rows: ObjectRows;
  readonly form: Form;
  /** Digests of contents that are stored already: rows of one of these are not encoded again. */
  readonly known: readonly string[];
}

/** An object that is ready to be stored. */
export interface Encoded {
  readonly content: string;
  /** Absent where the content is known. */
  readonly bytes?: Uint8Array;
}

export type EncodeAnswer = { readonly id: number } & (
  | { readonly encoded: Encoded }
  | { readonly failed: { readonly detail: string } }
);

export async function encode({ rows, form, known }: EncodeJob): Promise<Encoded> {
  const content = contentOf(rows);
  if (known.includes(content)) return { content };
  return { content, bytes: form === 'csv' ? toCsv(rows) : await toParquet(rows) };
}
