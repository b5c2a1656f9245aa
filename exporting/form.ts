import type { Form } from '../core/partitions/names.ts';
import type { ObjectRows } from '../core/partitions/rows.ts';

/** What the thread that makes bytes is sent. */
export interface ToFormer {
  readonly rows: ObjectRows;
  readonly form: Form;
}

/** What that thread sends back. */
export type FromFormer = { readonly bytes: Uint8Array } | { readonly failed: string };

/** The bytes of an object. What makes them is loaded for the first one. */
export async function formOf(rows: ObjectRows, form: Form): Promise<Uint8Array> {
  if (form === 'csv') return (await import('../core/partitions/csv.ts')).toCsv(rows);
  return await (await import('../core/partitions/write-parquet.ts')).toParquet(rows);
}
