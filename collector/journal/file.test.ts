import { closeSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { quickFolder } from '../testing.ts';
import { openWhole, readAll, writeAll } from './file.ts';

let folder: string;
let fd: number;
beforeEach(() => {
  folder = quickFolder();
  writeFileSync(join(folder, 'file'), Buffer.alloc(15_000, 'a'));
  fd = openWhole(join(folder, 'file'), 20_000);
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
});

const failure = (code: string) => Object.assign(new Error(code), { code });

test('a file is filled up to its size, and what stood there stays', () => {
  expect(
    readFileSync(join(folder, 'file')).equals(Buffer.concat([Buffer.alloc(15_000, 'a'), Buffer.alloc(5_000)])),
  ).toBe(true);
});

test('a disk that takes a part is asked again, until it has all or says why not', () => {
  writeAll(fd, Buffer.alloc(1_000, 'b'), 300, (file, bytes, offset, length, at) =>
    writeSync(file, bytes, offset, Math.min(length, 7), at),
  );
  expect(readFileSync(join(folder, 'file'), 'utf8').slice(299, 1_301)).toBe(`a${'b'.repeat(1_000)}a`);
  let calls = 0;
  const full = () => {
    calls += 1;
    if (calls > 1) throw failure('ENOSPC');
    return 10;
  };
  expect(() => writeAll(fd, Buffer.alloc(1_000), 0, full)).toThrow('ENOSPC');
  expect(() => writeAll(fd, Buffer.alloc(1_000), 0, () => 0)).toThrow('took nothing');
});

test('what lies behind a block that cannot be read is read', () => {
  const bad = { from: 4_096, to: 8_192 };
  const read = (file: number, bytes: Buffer, offset: number, length: number, at: number) => {
    if (at >= bad.from && at < bad.to) throw failure('EIO');
    return readSync(file, bytes, offset, at < bad.from ? Math.min(length, bad.from - at) : length, at);
  };
  const bytes = readAll(fd, 20_000, read);
  expect([bytes.indexOf(0), bytes.indexOf('a', 4_096), bytes.indexOf(0, 8_192)]).toEqual([4_096, 8_192, 15_000]);
  expect(() =>
    readAll(fd, 20_000, () => {
      throw failure('EBADF');
    }),
  ).toThrow('EBADF');
});
