import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { truthOf } from './dataset.ts';
import { readDataset } from './read.ts';
import { mostCellBytes, mostLineBytes } from './records.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-table-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

it('only regular files are tables: a device without end and a folder are refused at once', async () => {
  await expect(readDataset({ file: '/dev/zero' })).rejects.toThrow(
    '/dev/zero: is no regular file; a table is a regular file',
  );
  await mkdir(join(folder, 'a-folder'));
  await expect(readDataset({ file: join(folder, 'a-folder') })).rejects.toThrow('is a folder');
});

it('a cell and a line have bounds, each named with its line', async () => {
  const cell = await file('cell.csv', `a,state\n1,ok\n"${'x'.repeat(mostCellBytes + 1)}",ok\n`);
  await expect(readDataset({ file: cell })).rejects.toThrow('cell.csv: line 3: cell 1 is longer than 1 MB');
  const line = await file('line.csv', `a,state\n1,ok\n${'1,'.repeat(mostLineBytes / 2 + 10)}`);
  await expect(readDataset({ file: line })).rejects.toThrow(
    /line\.csv: line 3: (the line is longer than 16 MB|there are more than)/,
  );
  const open = await file('open.csv', `a,state\n1,ok\n"2,ok\n${'3,ok\n'.repeat(500_000)}`);
  await expect(readDataset({ file: open })).rejects.toThrow(
    'open.csv: line 3: cell 1 is longer than 1 MB; is a quote left open?',
  );
});

it('several files are one table, joined by name; one rule holds for all', async () => {
  const one = await file('one.csv', 'temp,vib,state\n1.5,2,ok\n');
  const two = await file('two.csv.gz', gzipSync('state;vib;temp\nhot;1,234;3.25\n'));
  const data = await readDataset({ file: [one, two], truth: 'state' });
  expect([...data.values]).toEqual([1.5, 2, 3.25, 1234]);
  expect([0, 1].map((row) => truthOf(data, row))).toEqual(['ok', 'hot']);
  const other = await file('other.csv', 'temp,vibration,state\n1.5,2,ok\n');
  await expect(readDataset({ file: [one, other] })).rejects.toThrow('other.csv: there is no column "vib"');
  const contrary = await file('contrary.csv', 'temp;vib;state\n1,5;2;ok\n');
  await expect(readDataset({ file: [one, contrary] })).rejects.toThrow(
    /contrary\.csv: line 2, column "temp": "1,5" is no number/,
  );
});

it.each(['utf-16le', 'utf-16be'])('a table in %s, as spreadsheets save it, is read', async (encoding) => {
  const bytes = Buffer.from('\uFEFFtemp\tµ\tstate\n1.5\t2\tok\n', 'utf16le');
  const data = await readDataset({
    file: await file('wide.csv', encoding === 'utf-16be' ? bytes.swap16() : bytes),
    truth: 'state',
  });
  expect(data.fields).toEqual(['temp', 'µ']);
  expect([...data.values]).toEqual([1.5, 2]);
});

it('a gzip that is cut off is refused, naming the file', async () => {
  const cut = gzipSync(`a,state\n${'1.5,ok\n'.repeat(1_000)}`).subarray(0, -10);
  await expect(readDataset({ file: await file('cut.csv.gz', cut) })).rejects.toThrow(/cut\.csv\.gz: cannot be read/);
});

it('a table of more text than a string holds is read, with little more memory than its numbers take', {
  timeout: 120_000,
}, async () => {
  const name = join(folder, 'large.csv');
  const out = createWriteStream(name);
  out.write('a,b,label\n');
  // Long cells: 540 MB in 150,000 lines.
  const lines = `0.123456,${'0'.repeat(3_600)}.654321,abc\n0.5,0.25,xyz\n`.repeat(100);
  for (let block = 0; block < 1_500; block++) if (!out.write(lines)) await once(out, 'drain');
  out.end();
  await finished(out);
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  try {
    const data = await readDataset({ file: name, truth: 'label' });
    expect(data).toMatchObject({ count: 300_000, width: 2, classes: ['abc', 'xyz'] });
    expect([...data.values.subarray(-4)]).toEqual([0.123456, 0.654321, 0.5, 0.25]);
    expect(peak - before - data.values.byteLength - data.labels.byteLength).toBeLessThan(200e6);
  } finally {
    clearInterval(watch);
    await rm(name);
  }
});
