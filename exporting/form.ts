import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Form } from '../core/partitions/names.ts';
import type { ObjectRows } from '../core/partitions/rows.ts';

/** What the thread that makes bytes is sent. */
export interface ToFormer {
  readonly rows: ObjectRows;
  readonly form: Form;
  /** A file that is not there yet, for what is better written as it is made. */
  readonly file?: string;
}

/** An object in its form: its bytes, or the file that has them, and how many. */
export type Formed = { readonly bytes: Uint8Array } | { readonly file: string; readonly length: number };

/** What that thread sends back. */
export type FromFormer = Formed | { readonly failed: string };

/** The bytes of an object. What makes them is loaded for the first one. */
export async function formOf(rows: ObjectRows, form: Form): Promise<Uint8Array> {
  if (form === 'csv') return (await import('../core/partitions/csv.ts')).toCsv(rows);
  return await (await import('../core/partitions/write-parquet.ts')).toParquet(rows);
}

/** An object of many rows. Where its file cannot be written, who stores it finds that out, and says so. */
export async function formMany({ rows, form, file }: ToFormer): Promise<Formed> {
  if (form === 'csv' && file !== undefined)
    try {
      const { writeCsvFile } = await import('../core/partitions/csv-file.ts');
      mkdirSync(dirname(file), { recursive: true });
      return { file, length: await writeCsvFile(rows, file) };
    } catch (error) {
      const isOfFile = error instanceof Error && 'syscall' in error;
      if (!isOfFile) throw error;
    }
  return { bytes: await formOf(rows, form) };
}
