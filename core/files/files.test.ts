import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explainFileError } from './fault.ts';
import { readWhole, readWholeSync } from './whole.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file that is named is read whole, and nothing else is', () => {
  const readers = [
    ['at once', async (file: string, most: number) => readWholeSync(file, most)],
    ['later', readWhole],
  ] as const;

  test.each(readers)('%s', async (_, read) => {
    const file = join(folder, 'file');
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => at % 251));
    writeFileSync(file, bytes);
    expect((await read(file, 3_000_000)).equals(bytes)).toBe(true);
    const link = join(folder, `link-${_}`);
    symlinkSync(file, link);
    expect((await read(link, 3_000_000)).length).toBe(3_000_000);
    await expect(read(file, 2_999_999)).rejects.toMatchObject({
      code: 'file-unusable',
      message: expect.stringContaining('larger than 2999 kB'),
    });
    await expect(read(join(folder, 'none'), 1)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(read(folder, 1_000)).rejects.toMatchObject({
      code: 'file-unusable',
      message: expect.stringContaining('is a folder'),
    });
  });

  test.runIf(process.platform !== 'win32').each(readers)('no device and no pipe: %s', async (_, read) => {
    const pipe = join(folder, `pipe-${_}`);
    execFileSync('mkfifo', [pipe]);
    for (const file of ['/dev/zero', '/dev/null', pipe])
      await expect(read(file, 1_000)).rejects.toMatchObject({
        code: 'file-unusable',
        message: expect.stringContaining('a device, a pipe or a socket'),
      });
  });
});

describe('what the system refuses has a code and a remedy', () => {
  test('a file where a folder should be', async () => {
    const file = join(folder, 'in-the-way');
    writeFileSync(file, '');
    for (const wanted of [file, join(file, 'd')]) {
      const error = await mkdir(wanted, { recursive: true }).catch((caught: unknown) => caught);
      expect(explainFileError(error)).toMatchObject({
        code: 'file-unusable',
        message: expect.stringContaining('a file stands where a folder should be'),
      });
    }
  });

  test('a folder where a database should be', () => {
    const place = join(folder, 'folder.db');
    mkdirSync(place);
    let error: unknown;
    try {
      new DatabaseSync(place).exec('CREATE TABLE t (a)');
    } catch (caught) {
      error = caught;
    }
    expect(explainFileError(error, place)).toMatchObject({ code: 'file-unusable' });
  });

  test('a full disk; errors of the network and of programs are none of files', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' });
    expect(explainFileError(full, 'f')).toMatchObject({ code: 'disk-full', message: 'f: the disk is full' });
    const denied = Object.assign(new Error('listen'), { code: 'EACCES', syscall: 'listen', address: '0.0.0.0' });
    expect(explainFileError(denied)).toBeUndefined();
    expect(explainFileError(new TypeError('x'))).toBeUndefined();
  });
});
