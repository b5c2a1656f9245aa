import { csvPieces } from './csv.ts';
import { NewFile, roomForFiles } from './new-file.ts';
import type { ObjectRows } from './rows.ts';

/** Used again by each file: this thread writes one at a time. */
let room: Uint8Array | undefined;

/**
 * Writes rows as `toCsv` does into a new file, as they are made: what was made is still in the cache, and there is no memory for all.
 * Until it resolves, no other rows may be made in this thread.
 * @returns how many bytes it has; they are not durable yet
 */
export async function writeCsvFile(rows: ObjectRows, path: string): Promise<number> {
  room ??= roomForFiles();
  const file = await NewFile.create(path, room);
  try {
    for (const { bytes } of csvPieces(rows)) await file.add(bytes);
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
  return await file.close();
}
