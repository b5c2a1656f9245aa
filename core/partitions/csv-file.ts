import { closeSync, openSync, writeSync } from 'node:fs';
import { writeCsv } from './csv.ts';
import type { ObjectRows } from './rows.ts';

/**
 * Writes rows as `toCsv` does into a new file, as they are made: what was made is still in the cache, and there is no memory for all.
 * @returns how many bytes it has; they are not durable yet
 */
export function writeCsvFile(rows: ObjectRows, file: string): number {
  const handle = openSync(file, 'wx');
  try {
    let length = 0;
    writeCsv(rows, {
      add(bytes) {
        for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
        length += bytes.length;
      },
    });
    return length;
  } finally {
    closeSync(handle);
  }
}
