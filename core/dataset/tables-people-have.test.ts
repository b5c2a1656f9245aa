// Tables as loggers, spreadsheets, R and UCI write them: each was refused without need, or read as something else, once.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatasetOptions, readDataset } from './read.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-people-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string | Uint8Array, options: Omit<DatasetOptions, 'file'> = {}) {
  const file = join(folder, 'table.csv');
  await writeFile(file, text);
  return readDataset({ file, ...options });
}

/** Some rows; the first is 27.14, 2.5, hot. */
const rows = Array.from({ length: 24 }, (_, row) => [(27.14 + row).toFixed(2), '2.5', row % 2 ? 'ok' : 'hot']);
const body = (delimiter: string) => rows.map((cells) => `${cells.join(delimiter)}\n`).join('');
/** A table of a column in front of a measured one and the label. */
const beside = (name: string, cell: (row: number) => string) =>
  `${name},temp,state\n${rows.map(([temp, , state], row) => `${cell(row)},${temp},${state}\n`).join('')}`;

describe('what stands above a table', () => {
  it.each([
    [
      'a title and an empty line',
      `Report of pumps, plant 3\nMade 2024-03-01\n\ntemp,vib,state\n${body(',')}`,
      'lines 1 to 3 stand above',
    ],
    ['a line of units', `temp,vib,state\n°C,mm/s,\n${body(',')}`, 'line 2 is no data ("°C, mm/s, ")'],
    ['units in brackets', `temp;vib;state\n[degree];[mm/s];[-]\n${body(';')}`, 'line 2 is no data'],
    ['names in two lines', `pump,,\ntemp,vib,state\n${body(',')}`, 'line 2 names the columns too'],
    ['a comment with another sign', `% made by a logger\ntemp,vib,state\n${body(',')}`, 'line 1 stands above'],
    ['the separator and a title', `sep=;\nReport\ntemp;vib;state\n${body(';')}`, 'line 2 stands above'],
  ])('is no data: %s', async (_, text, note) => {
    const data = await read(text, { truth: 'state' });
    expect(data).toMatchObject({ fields: ['temp', 'vib'], count: 24, classes: ['hot', 'ok'] });
    expect([...data.values.subarray(0, 2)]).toEqual([27.14, 2.5]);
    expect(data.notes.join('\n')).toContain(note);
  });

  it('spans columns where a name in the second line comes twice', async () => {
    const data = await read(
      `pump 1,,pump 2,\ntemp,vib,temp,state\n${rows.map(([a, b, c]) => `${a},${b},${a},${c}\n`).join('')}`,
    );
    expect(data.fields).toEqual(['pump 1 temp', 'pump 1 vib', 'pump 2 temp']);
  });

  it('is data where it may be: a word for a fault in the first row is refused with its line', async () => {
    await expect(read(`temp,vib,state\nerr,2.5,ok\n${body(',')}`, { truth: 'state' })).rejects.toThrow(
      'line 2, column "temp": "err"',
    );
  });

  it("names no first column where R wrote the rows' names", async () => {
    const text = `"temp" "vib" "state"\n${rows.map(([temp, vib, state], row) => `"${row + 1}" ${temp} ${vib} "${state}"\n`).join('')}`;
    const data = await read(text, { truth: 'state' });
    expect(data.columns.map(({ name, role }) => `${name}: ${role}`)).toEqual([
      ...['column 1: left out', 'temp: value', 'vib: value', 'state: label'],
    ]);
    expect([...data.values.subarray(0, 2)]).toEqual([27.14, 2.5]);
  });

  it('may come again where files were put together', async () => {
    const data = await read(`temp,vib,state\n${body(',')}temp,vib,state\n${body(',')}`, { truth: 'state' });
    expect(data.count).toBe(48);
    expect(data.notes).toContain('lines that repeat the header, left out: 1');
  });
});

describe('dates', () => {
  const two = (value: number) => String(value).padStart(2, '0');
  const first = 1_709_251_200_000_000_000n;
  const day = 86_400_000_000_000n;

  it.each([
    [
      'the day first',
      (row: number) => `${two(row + 1)}/03/2024 00:00`,
      'dates have the day first ("13/03/2024 00:00", line 14)',
    ],
    [
      'the month first',
      (row: number) => `3/${row + 1}/2024 12:00:00 AM`,
      'dates have the month first ("3/13/2024 12:00:00 AM", line 14)',
    ],
    ['the name of a month', (row: number) => `${two(row + 1)}-Mar-2024`, 'without an offset'],
    ['the name of a month first', (row: number) => `"March ${row + 1}, 2024"`, 'without an offset'],
    ['digits alone', (row: number) => `202403${two(row + 1)}`, 'dates written in digits alone'],
    ['digits alone, with the time', (row: number) => `202403${two(row + 1)}000000`, 'dates written in digits alone'],
    ['the basic form of ISO 8601', (row: number) => `202403${two(row + 1)}T000000Z`, ''],
  ])('with %s are the time', async (_, cell, note) => {
    const data = await read(beside('date', cell), { truth: 'state' });
    expect(data.times?.[0]).toBe(first);
    expect(data.times?.[23]).toBe(first + 23n * day);
    expect(data.notes.join('\n')).toContain(note);
  });

  it.each(['2024-03-01', '20240301'])('and times of day in two columns are joined: %s', async (day) => {
    const text = `date,clock,temp,state\n${rows.map(([temp, , state], row) => `${day},${two(row)}.30.00,${temp},${state}\n`).join('')}`;
    const data = await read(text.replace('clock', 'time'), { truth: 'state' });
    expect(data.times?.[1]).toBe(first + 5_400_000_000_000n);
    expect(data.columns[1]).toEqual({
      name: 'time',
      role: 'left out',
      reason: 'the time of day, which is joined to "date"',
    });
  });

  it.each([
    ['6 digits', (row: number) => `20240301,${two(row)}0500`, 'HHMMSS'],
    ['6 digits without zeros in front', (row: number) => `20240301,${row * 10_000 + 500}`, 'HHMMSS'],
    ['4 digits', (row: number) => `2024-03-01,${two(row)}05`, 'HHMM'],
  ])('and times of day of %s are joined', async (_, cells, form) => {
    const data = await read(beside('date,time', cells), { truth: 'state' });
    expect(data.times?.[0]).toBe(first + 300_000_000_000n);
    expect(data.times?.[23]).toBe(first + 300_000_000_000n + 23n * 3_600_000_000_000n);
    expect(data.columns[1]?.reason).toBe(`the time of day (${form}), which is joined to "date"`);
  });

  it('beside seconds that are called a time are not taken for times of day', async () => {
    const data = await read(
      beside('date,time', (row) => `20240301,${row * 30}`),
      { truth: 'state' },
    );
    expect(data.columns[1]?.reason).not.toContain('joined');
  });

  it('and a time of day that is none are refused with its line', async () => {
    const rows = Array.from(
      { length: 2_200 },
      (_, row) => `20240301,${two(row % 24)}${two(row % 60)}${two(row % 60)},${row},${row % 2 ? 'ok' : 'hot'}`,
    );
    rows[2_100] = '20240231,060500,1,hot';
    await expect(read(`date,time,temp,state\n${rows.join('\n')}\n`, { truth: 'state' })).rejects.toThrow(
      'line 2102, column "date": "20240231" is no time',
    );
  });

  it.each([
    ['01/03/24', (row: number) => `${two(row + 1)}/03/24`],
    ['3/1/24 with AM', (row: number) => `3/${row + 1}/24 12:00 AM`],
    ['1.3.24', (row: number) => `${row + 1}.3.24 00:00`],
    ['01-Mar-24', (row: number) => `${two(row + 1)}-Mar-24`],
  ])('whose year has two digits are the time: %s', async (_, cell) => {
    const data = await read(beside('date', cell), { truth: 'state' });
    expect(data.times?.[0]).toBe(first);
    expect(data.times?.[23]).toBe(first + 23n * day);
  });

  it.each(['24-03-', '24/03/'])(
    'whose year may be first or last are left out, or refused where they are named: %s',
    async (date) => {
      const text = beside('date', (row) => `${date}${two(row + 1)}`);
      const [column] = (await read(text, { truth: 'state' })).columns;
      expect(column).toMatchObject({ role: 'left out', reason: expect.stringContaining('which is the year in') });
      await expect(read(text, { truth: 'state', time: 'date' })).rejects.toThrow(
        `line 2, column "date": "${date}01" is no time: which is the year cannot be told`,
      );
    },
  );

  it('that prove no order are left out, and so are times that cannot be read; both are said', async () => {
    const reasonOf = async (cell: (row: number) => string) =>
      (await read(beside('time', cell), { truth: 'state' })).columns[0];
    expect(await reasonOf((row) => `0${(row % 9) + 1}/02/2024`)).toMatchObject({
      role: 'left out',
      reason: expect.stringContaining('which is the day in "01/02/2024" cannot be told'),
    });
    expect(await reasonOf((row) => `2024-03-01 00:00:${two(row)} CET`)).toMatchObject({
      role: 'left out',
      reason: expect.stringContaining('is no time that can be read'),
    });
  });

  it('of both orders are refused with the line that contradicts', async () => {
    const text = beside('date', (row) => (row === 20 ? '03/31/2024' : `${row + 1}/03/2024`));
    await expect(read(text, { truth: 'state' })).rejects.toThrow('line 22, column "date": "03/31/2024" is no time');
  });
});

it.each(['---', '+nan', '-nan(ind)', '<null>', '(null)', 'N.A.'])(
  '%s is a gap, as C and databases write it',
  async (word) => {
    const data = await read(
      `temp,state\n${rows.map(([temp, , state], row) => `${row % 7 ? temp : word},${state}\n`).join('')}`,
      {
        truth: 'state',
      },
    );
    expect(data.values.filter(Number.isNaN)).toHaveLength(4);
  },
);

it('a class that is called none is told among the labels', async () => {
  const text = `temp,state\n${rows.map(([temp], row) => `${temp},${row % 2 ? 'none' : 'leak'}\n`).join('')}`;
  const data = await read(text, { truth: 'state' });
  expect(data.classes).toEqual(['leak', 'none']);
  expect(data.columns[1]).toMatchObject({ role: 'label', reason: '2 different, 24 of 24 rows have one' });
});

it("words of one's own are gaps where they are said, and are named where they are not", async () => {
  const text = `temp,state\n${rows.map(([temp], row) => `${row % 6 ? temp : row % 4 ? '-999' : 'sensor off'},${row === 5 ? 'sensor off' : row % 2 ? 'ok' : 'hot'}\n`).join('')}`;
  const data = await read(text, { truth: 'state', gap: ['sensor off', '-999', 'nowhere'] });
  expect(data.values.filter(Number.isNaN)).toHaveLength(4);
  expect(data.classes).toEqual(['hot', 'ok']);
  expect(data.labels[5]).toBe(-1);
  expect(data.notes).toEqual(
    expect.arrayContaining([
      'gaps by --gap: "sensor off", 3 cells',
      'gaps by --gap: "-999", 2 cells',
      'no cell is "nowhere", which --gap names',
    ]),
  );
  await expect(read(text, { truth: 'state' })).rejects.toThrow(
    `line 2, column "temp": "sensor off" is not a finite number; a gap is an empty cell, NA, or what --gap names: --gap 'sensor off'`,
  );
});

it('text in single quotes is read without them, delimiters in it and all', async () => {
  const lines = rows.map(([temp, , state]) => `'${temp}','pump 3, it''s new','${state}'\n`);
  const data = await read(`'temp','place, found','state'\n${lines.join('')}`, { truth: 'state' });
  expect(data).toMatchObject({ count: 24, fields: ['temp'], classes: ['hot', 'ok'] });
  expect(data.columns[1]?.name).toBe('place, found');
  expect(data.notes).toContain('text stands in single quotes');
  // Apostrophes alone are text.
  const spoken = await read(`temp,state\n${rows.map(([temp], row) => `${temp},it's ${row % 2}'\n`).join('')}`);
  expect(spoken.columns[1]?.reason).toBe('text: 2 different in 24 of 24 rows');
});

it.each([
  ['(12.50)', -12.5, ''],
  ['-$12.50', -12.5, 'in $, '],
  ['1.25D+01', 12.5, ''],
])('a number such as %s is read', async (cell, value, unit) => {
  const data = await read(
    beside('x', () => cell),
    { truth: 'state' },
  );
  expect(data.values[0]).toBe(value);
  expect(data.columns[0]).toMatchObject({ role: 'value', reason: `${unit}the same in every row` });
});

describe('bytes', () => {
  const german = `Größe µm,Zustand\n${rows.map(([temp], row) => `${temp},${row % 2 ? 'kühl' : 'heiß'}\n`).join('')}`;

  it('of Windows-1252 are read as such, and said; of damaged UTF-8 are not', async () => {
    const data = await read(Buffer.from(german, 'latin1'), { truth: 'Zustand' });
    expect(data).toMatchObject({ fields: ['Größe µm'], classes: ['heiß', 'kühl'] });
    expect(data.notes).toContain('the file is not UTF-8; it is read as Windows-1252');
    const damaged = Buffer.concat([Buffer.from(german), Buffer.of(0xff, 0x0a)]);
    await expect(read(damaged)).rejects.toThrow(/line 26 is not UTF-8; save the file as UTF-8/);
  });

  it('of UTF-16 are read without a mark too', async () => {
    const data = await read(Buffer.from(`temp,vib,state\n${body(',')}`, 'utf16le'), { truth: 'state' });
    expect([...data.values.subarray(0, 2)]).toEqual([27.14, 2.5]);
  });

  it('of several gzip members are one table; NUL is refused with its line', async () => {
    const members = Buffer.concat([gzipSync('temp,vib,state\n'), gzipSync(body(','))]);
    expect((await read(members, { truth: 'state' })).count).toBe(24);
    await expect(read(`temp,vib,state\n${body(',')}${'\0'.repeat(500)}`)).rejects.toThrow('line 26 holds NUL bytes');
  });

  it.each([
    ['PK\x03\x04rest', 'save the sheet as CSV'],
    ['[{"temp": 1}]', 'is JSON'],
    ['{"temp": 1}\n{"temp": 2}\n', 'is JSON'],
    ['\n<!DOCTYPE html><table>', 'is HTML'],
    ['% iris\n@RELATION iris\n', 'is an ARFF file'],
    ['\x89HDF\r\n', 'is an HDF5 file'],
  ])('of another kind of file are refused with what to do: %j', async (text, message) => {
    await expect(read(Buffer.from(text, 'latin1'))).rejects.toThrow(message);
  });
});

describe('what a column of numbers may hide is said beside it', () => {
  it.each([
    [
      'a number for "not measured"',
      (row: number) => (row % 5 ? `${20 + row / 10}` : '-9999'),
      '"-9999" recurs far from all others',
    ],
    ['a counter that begins again', (row: number) => `${row % 8}`, 'counts up and begins again 2 times'],
    ['nothing but one number', () => '5', 'the same in every row'],
    ['numbers that fall and rise', (row: number) => `${[1, 3, 2, 4][row % 4]}`, ''],
    ['large numbers among large ones', (row: number) => `${9_000 + (row % 3) * 500 + (row % 7 ? 1 : 999)}`, ''],
  ])('%s', async (_, cell, reason) => {
    const data = await read(beside('x', cell), { truth: 'state' });
    expect(data.columns[0]).toMatchObject({ role: 'value', reason: expect.stringContaining(reason) });
    if (reason === '') expect(data.columns[0]?.reason).toBe('');
  });
});

it('one column alone is no table, and it is said how to name another separator', async () => {
  const text = `temp:state\n${rows.map(([temp, , state]) => `${temp}:${state}\n`).join('')}`;
  await expect(read(text)).rejects.toThrow('write sep= and that sign as its first line');
  expect((await read(`sep=:\n${text}`, { truth: 'state' })).fields).toEqual(['temp']);
});
