import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NewFile, roomForFiles } from './new-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-new-file-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const room = roomForFiles();
/** Nothing in it begins with a page, so whoever writes past the cache refuses it. */
const askew = new Uint8Array(new ArrayBuffer(room.length + 1)).subarray(1);
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const piece = 2 << 20;

test.each([
  ['past the cache', room],
  ['where the file system refuses that', askew],
])('a file has the bytes that were added, whatever their size: %s', async (_, memory) => {
  for (const [at, size] of [0, 1, 4_095, 4_096, 4_097, piece - 1, piece, piece + 1, 4 * piece, 23_456_789].entries()) {
    const path = join(folder, `${at}`);
    const bytes = randomBytes(size);
    const file = await NewFile.create(path, memory);
    for (let from = 0; from < size; ) {
      const step = 1 + ((from * 7 + 300_007) % 1_000_003);
      const some = Buffer.from(bytes.subarray(from, from + step));
      await file.add(some);
      some.fill(0);
      from += step;
    }
    expect(await file.close()).toBe(size);
    const written = readFileSync(path);
    expect([written.length, digest(written)]).toEqual([size, digest(bytes)]);
  }
});

test('a file that is there already is left alone', async () => {
  const path = join(folder, 'there');
  writeFileSync(path, 'before');
  await expect(NewFile.create(path, room)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readFileSync(path, 'utf8')).toBe('before');
});

test('a folder that is missing is told', async () => {
  await expect(NewFile.create(join(folder, 'no', 'file'), room)).rejects.toMatchObject({ code: 'ENOENT' });
});
