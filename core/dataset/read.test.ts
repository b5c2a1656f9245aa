import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlySegmentEnd, segmentEnd, truthOf } from './dataset.ts';
import { type DatasetOptions, readDataset } from './read.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-csv-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string | Uint8Array, options: Omit<DatasetOptions, 'file'> = {}) {
  const file = join(folder, 'data.csv');
  await writeFile(file, text);
  return readDataset({ file, ...options });
}

describe('a CSV read as a data set', () => {
  it('takes names as they are: any characters, and two that differ only in case', async () => {
    const data = await read('char_freq_;,Temp,temp,"a ""b"", c",label\n1,2,3,4,x\n', { truth: 'label' });
    expect(data.fields).toEqual(['char_freq_;', 'Temp', 'temp', 'a "b", c']);
    expect([...data.values]).toEqual([1, 2, 3, 4]);
  });

  it('takes empty cells and the usual words as gaps', async () => {
    const data = await read('a,b,c,label\n1,,NA,x\nnan,?,3,x\nn/a,2,None,y\n', { truth: 'label' });
    const gap = Number.NaN;
    expect([...data.values]).toEqual([1, gap, gap, gap, gap, 3, gap, 2, gap]);
  });

  it('keeps truths as text, sorts classes, and leaves a row without truth unlabelled', async () => {
    const data = await read('a,label\n1,10\n2,9\n3,\n4,1.0\n', { truth: 'label' });
    expect(data.classes).toEqual(['1.0', '10', '9']);
    expect([...data.labels]).toEqual([1, 2, -1, 0]);
    expect([0, 1, 2, 3].map((row) => truthOf(data, row))).toEqual(['10', '9', undefined, '1.0']);
  });

  it('gives devices and times where columns are named for them', async () => {
    const data = await read('id,t,a\np1,2024-01-01T00:00:00Z,1\np2,1704067200000000001,2\n', {
      device: 'id',
      time: 't',
    });
    expect(data).toMatchObject({
      fields: ['a'],
      devices: { names: ['p1', 'p2'], index: Int32Array.of(0, 1) },
      times: BigInt64Array.of(1704067200000000000n, 1704067200000000001n),
      classes: [],
    });
    expect([...data.labels]).toEqual([-1, -1]);
  });

  it('leaves out columns of text and says so; a column without a name is called by its place', async () => {
    const data = await read(',name,a,label\n1,pump,1.5,x\n2,valve,2.5,y\n', { truth: 'label' });
    expect(data.fields).toEqual(['column 1', 'a']);
    const leftOut = data.columns.filter(({ role }) => role === 'left out');
    expect(leftOut).toEqual([{ name: 'name', role: 'left out', reason: 'text: 2 different in 2 of 2 rows' }]);
  });

  it('takes names that are numbers for names where a column of words is called as labels are', async () => {
    const data = await read('2019,2020,label\n1.5,2.5,a\n2.5,3,b\n', { truth: 'label' });
    expect(data.fields).toEqual(['2019', '2020']);
  });

  it('reads which rows end a segment: by its name, or the column that is named', async () => {
    const cells = ['true', '', '0', 'NO', 'yes', '1'];
    const rows = cells.map((cell, at) => `${at === 5 ? '' : at},${cell},x`).join('\n');
    const expected = [segmentEnd, 0, 0, 0, segmentEnd, onlySegmentEnd];
    const byName = await read(`a,endsSegment,label\n${rows}\n`, { truth: 'label' });
    expect(byName.fields).toEqual(['a']);
    expect([...(byName.segments ?? [])]).toEqual(expected);
    const named = await read(`a,done,label\n${rows}\n`, { truth: 'label', endsSegment: 'done', fields: ['a'] });
    expect([...(named.segments ?? [])]).toEqual(expected);
  });

  it('takes the columns that are asked for, in that order', async () => {
    const data = await read('a,b,c,label\n1,2,3,x\n', { truth: 'label', fields: ['c', 'a'] });
    expect(data.fields).toEqual(['c', 'a']);
    expect([...data.values]).toEqual([3, 1]);
  });

  it.each([
    ['semicolons', 'a;b;label\n1;2;x\n'],
    ['tabs', 'a\tb\tlabel\n1\t2\tx\n'],
    ['a byte order mark', '\uFEFFa,b,label\n1,2,x\n'],
    ['carriage returns', 'a,b,label\r\n1,2,x\r\n'],
    ['space around the delimiter', 'a, b, label\n 1, 2, x\n'],
    ['empty lines and no end of line', '\na,b,label\n\n1,2,x'],
    ['quoted numbers', '"a","b","label"\n"1","2","x"\n'],
  ])('understands %s', async (_, text) => {
    const data = await read(text, { truth: 'label' });
    expect(data.fields).toEqual(['a', 'b']);
    expect([...data.values]).toEqual([1, 2]);
    expect(truthOf(data, 0)).toBe('x');
  });

  it.each<[string, string | Uint8Array, Omit<DatasetOptions, 'file'>, RegExp]>([
    [
      'a cell that is no number',
      'a,b\n1,2\n3,4\n5,x\n',
      {},
      /data\.csv: line 4, column "b": "x" is not a finite number/,
    ],
    ['a number beyond doubles', 'a\n1e999\n', { fields: ['a'] }, /line 2, column "a": "1e999" is not a finite number/],
    ['infinity', 'a\n1\n2\ninf\n', {}, /line 4, column "a": "inf"/],
    ['hexadecimal', 'a\n1\n2\n0x10\n', {}, /line 4, column "a": "0x10"/],
    ['a line too long', 'a,b\n1,2,3\n', {}, /data\.csv: line 2: /],
    ['a line too short', 'a,b\n1\n', {}, /data\.csv: line 2: /],
    ['a quote left open', 'a,b\n1,"2\n', {}, /data\.csv: line 2: /],
    ['a name used twice', 'a,b,a\n1,2,3\n', {}, /column 3: the name "a" is used twice; rename one/],
    [
      'a truth column that is not there',
      'a,Label\n1,x\n',
      { truth: 'label' },
      /no column "label"; did you mean "Label"/,
    ],
    ['a field that is not there', 'a,b\n1,2\n', { fields: ['z'] }, /no column "z"; its columns are a, b/],
    ['text where a number is demanded', 'a\nx\n', { fields: ['a'] }, /line 2, column "a": "x"/],
    [
      'an end of a segment that is neither true nor false',
      'a,endsSegment\n1,0\n2,maybe\n',
      {},
      /line 3, column "endsSegment": "maybe" is neither true nor false/,
    ],
    ['a device that is not named', 'd,a\n,1\n', { device: 'd' }, /line 2, column "d": the cell is empty/],
    [
      'a date that does not exist',
      't,a\n2024-02-30T00:00:00Z,1\n',
      { time: 't' },
      /line 2, column "t": .*no such date/,
    ],
    ['no number anywhere', 'a,label\nx,y\n', { truth: 'label' }, /has no numeric column/],
    ['nothing', '', {}, /is empty/],
    ['a header alone', 'a,b\n', {}, /no lines of data/],
    ['bytes that are not UTF-8', Uint8Array.of(0x61, 0x0a, 0x83, 0x81, 0x0a), {}, /is not UTF-8/],
  ])('refuses %s, saying where', async (_, text, options, message) => {
    await expect(read(text, options)).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a file that is not there', async () => {
    const missing = readDataset({ file: join(folder, 'none.csv') });
    await expect(missing).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(/none\.csv: cannot be read/),
    });
  });

  it('gives back every number that was written', async () => {
    const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN));
    const table = fc
      .integer({ min: 1, max: 6 })
      .chain((width) =>
        fc.array(fc.array(value, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
      );
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const width = rows[0]!.length;
        const header = Array.from({ length: width }, (_, column) => `c${column}`);
        const lines = rows.map((row) =>
          row.map((cell) => (Number.isNaN(cell) ? 'NA' : Object.is(cell, -0) ? '-0' : String(cell))).join(','),
        );
        const data = await read(`${header.join(',')}\n${lines.join('\n')}\n`, { fields: header });
        expect(data.values).toEqual(Float64Array.from(rows.flat()));
      }),
      { numRuns: 50 },
    );
  });
});
