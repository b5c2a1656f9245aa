import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';

/** Rows of a store that are not packed. */
export function rowsIn(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    return Number(database.prepare('SELECT count(*) AS count FROM store_rows').get()?.count);
  } finally {
    database.close();
  }
}

/** Waits until all points are packed but for the newest row, which always stays. */
export async function untilPacked(file: string, most = 1): Promise<void> {
  await expect.poll(() => rowsIn(file), { timeout: 60_000, interval: 5 }).toBeLessThanOrEqual(most);
}
