import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeTables } from './ptb.ts';
import { readZipped } from './zip.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-ptb-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Beats as the set has them: every sample is the number of the beat. */
const textOf = (kind: number, beats: number) =>
  Array.from({ length: beats }, (_, at) => `${`${at}.5e-1,`.repeat(187)}${kind}.0\n`).join('');
const files = { 'ptbdb_normal.csv': textOf(0, 4), 'ptbdb_abnormal.csv': textOf(1, 6) };

/** A ZIP archive, the first file deflated, the others stored; without checksums, which nobody reads. */
function zipOf(contents: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [index, [name, text]] of Object.entries(contents).entries()) {
    const bytes = index === 0 ? deflateRawSync(text) : Buffer.from(text);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(index === 0 ? 8 : 0, 10);
    entry.writeUInt32LE(bytes.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    directory.push(entry, Buffer.from(name));
    parts.push(header, Buffer.from(name), bytes);
    at += header.length + name.length + bytes.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length / 2, 10);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

function expectTables(): void {
  const rows = ['train', 'test'].flatMap((name) => {
    const [header, ...lines] = readFileSync(join(folder, `${name}.csv`), 'utf8')
      .trim()
      .split('\n');
    expect(header).toMatch(/^patient,time,s0,s1,.*,s186,diagnosis$/);
    expect(lines).toHaveLength(name === 'train' ? 6 : 4);
    return lines.map((line) => line.split(','));
  });
  const beats = rows.map((cells) => `${cells[2]} ${cells[188]} ${cells[189]}`).sort();
  const all = [4, 6].flatMap((count, kind) =>
    Array.from(
      { length: count },
      (_, at) => `${Number(`${at}.5e-1`)} ${Number(`${at}.5e-1`)} ${['normal', 'abnormal'][kind]}`,
    ),
  );
  expect(beats).toEqual(all.sort());
}

test('two files that somebody fetched become the two tables, each beat in one of them', async () => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  expect(await makeTables({ files: Object.keys(files).map((name) => join(folder, name)), folder })).toEqual([6, 4]);
  expectTables();
});

test('the archive is fetched, unpacked and split', async () => {
  const archive = zipOf({ ...files, 'mitbih_test.csv': 'not read' });
  const server = createServer((_request, response) => void response.end(archive)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await makeTables({ files: [], from: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, folder });
  } finally {
    server.close();
  }
  expectTables();
});

test('without a network it says so, and what to do', async () => {
  await expect(makeTables({ files: [], from: 'http://127.0.0.1:9/', folder })).rejects.toThrow(
    /^the PTB beats cannot be fetched from http:\/\/127\.0\.0\.1:9\/: .+\. Without a network, use the simulated ones/,
  );
});

test('a row of another kind or length is refused with its number', async () => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'ptbdb_abnormal.csv'), `${textOf(1, 1)}${textOf(0, 1)}`);
  const named = Object.keys(files).map((name) => join(folder, name));
  await expect(makeTables({ files: named, folder })).rejects.toThrow(/ptbdb_abnormal\.csv: row 2 is not 187 samples/);
});

test('a file that is missing in an archive is named, and what is no archive is none', () => {
  expect(() => readZipped(zipOf({ a: 'x' }), 'b')).toThrow('the ZIP archive has no b');
  expect(() => readZipped(Buffer.from('<html>sign in</html>'), 'a')).toThrow('this is no ZIP archive');
});
