import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDataset } from './describe.ts';
import { giveaways } from './giveaway.ts';
import { type DatasetOptions, readDataset } from './read.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-roles-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A table of columns that a function of the row makes, 60 rows long. */
async function read(columns: Record<string, (row: number) => unknown>, options: Omit<DatasetOptions, 'file'> = {}) {
  const names = Object.keys(columns);
  const lines = Array.from({ length: 60 }, (_, row) => names.map((name) => columns[name]!(row)).join(','));
  const file = join(folder, 'data.csv');
  await writeFile(file, `${names.join(',')}\n${lines.join('\n')}\n`);
  return readDataset({ file, ...options });
}

const noise = (row: number) => ((row * 7919) % 101) / 10;
const state = (row: number) => ['ok', 'hot'][row % 2]!;
const roleOf = (data: Awaited<ReturnType<typeof read>>, name: string) =>
  data.columns.find((column) => column.name === name)!;

it.each([
  ['flow', (row: number) => row + 0.25],
  ['runtime', (row: number) => row * 0.5],
  ['t', noise],
])('a measurement %s stays one, though it rises or is called like a time', async (name, cell) => {
  const data = await read({ [name]: cell, noise, state }, { truth: 'state' });
  expect(roleOf(data, name)).toMatchObject({ role: 'value' });
});

describe('a column that measures nothing is left out, and said so', () => {
  it.each<[string, string, (row: number) => unknown, RegExp]>([
    ['counts the rows', 'n', (row) => row + 1, /a counter, from 1 to 60; --keep "n"/],
    ['counts in steps, down', 'left', (row) => 900 - row * 10, /a counter, from 310 to 900/],
    ['counts with places that are missing', 'seq', (row) => row + Math.floor(row / 7), /a counter/],
    ['numbers the rows in another order', 'place', (row) => (row * 7) % 60, /numbers the rows, from 0 to 59/],
    ['is an id', 'record_id', (row) => (row * 7919) % 104_729, /an id: each row has another; --keep "record_id"/],
    [
      'is the time since 1970, in seconds',
      'logged',
      (row) => 1_700_000_000 + row * 61 + (row % 5),
      /looks like times since 1970/,
    ],
    [
      'is the time since 1970, in milliseconds',
      'logged',
      (row) => 1_700_000_000_000 + row * 61_000 + (row % 5),
      /looks like times/,
    ],
    [
      'is the time since 1970, in seconds with a fraction',
      'logged',
      (row) => 1_700_000_000.25 + row * 61 + (row % 5),
      /looks like times since 1970, from 1700000000.25 to/,
    ],
    [
      'is the time that has passed',
      'time',
      (row) => row * 0.5,
      /the time that has passed, from 0 to 29.5; --keep "time"/,
    ],
    ['is such a time, unevenly', 'elapsed_s', (row) => row * 0.5 + (row % 3) / 9, /the time that has passed/],
    ['is such a time in whole numbers', 'Time (ms)', (row) => row * 50 + (row % 7), /the time that has passed/],
    ['is such a time that begins again once', 't', (row) => (row % 31) * 0.25, /the time that has passed/],
    ['counts in fractions', 'index', (row) => row / 2, /a counter, from 0 to 29.5/],
    ['is empty', 'spare', () => '', /empty: no value in 60 rows/],
    ['is text', 'site', (row) => `site ${row % 4}`, /text: 4 different in 60 of 60 rows/],
    ['is true or false', 'open', (row) => row % 3 === 0, /true or false \(true, false\): 2 different/],
    [
      'is a date, beside the time',
      'built',
      (row) => `2024-01-${String((row % 28) + 1).padStart(2, '0')}`,
      /dates: 28 different/,
    ],
  ])('one that %s', async (_, name, column, reason) => {
    const data = await read({ temp: noise, [name]: column, state }, { truth: 'state' });
    expect(roleOf(data, name)).toMatchObject({ role: 'left out', reason: expect.stringMatching(reason) });
    expect(data.fields).toEqual(['temp']);
  });

  it.each<[string, (row: number) => unknown]>([
    ['whole numbers that are all different', (row) => ((row * 7919) % 104_729) + 10_000],
    ['whole numbers that recur', (row) => row % 17],
    ['numbers that only rise', (row) => row * 1.37],
  ])('%s are measured', async (_, column) => {
    const data = await read({ pressure: column, state }, { truth: 'state' });
    expect(data.fields).toEqual(['pressure']);
  });

  it('--keep takes it as a value, --drop leaves a value out', async () => {
    const data = await read(
      { n: (row) => row, temp: noise, vib: noise, state },
      { truth: 'state', keep: ['n'], drop: ['vib'] },
    );
    expect(data.fields).toEqual(['n', 'temp']);
    expect(roleOf(data, 'vib')).toMatchObject({ role: 'left out', reason: 'as demanded' });
    await expect(read({ temp: noise, state }, { keep: ['Tmp'] })).rejects.toThrow('there is no column "Tmp"');
  });
});

describe('device and time are found by name', () => {
  it.each(['device', 'Sensor', 'machine', 'Device_ID', 'id'])(
    '%s, where its values recur, is the device',
    async (name) => {
      const data = await read({ [name]: (row) => `p${row % 5}`, temp: noise, state }, { truth: 'state' });
      expect(data.devices?.names).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
    },
  );

  it('an id that never recurs is none', async () => {
    const data = await read({ id: (row) => row * 31, temp: noise, state }, { truth: 'state' });
    expect(data.devices).toBeUndefined();
    expect(roleOf(data, 'id').role).toBe('left out');
  });

  it.each<[string, (row: number) => unknown, bigint, string]>([
    ['2024-03-31 00:00:00+0100', () => '2024-03-31 00:00:00+0100', 1_711_839_600n, ''],
    ['2024-03-31 00:00:00', () => '2024-03-31 00:00:00', 1_711_843_200n, 'without an offset are taken as UTC'],
    ['31.03.2024 00:00', () => '31.03.2024 00:00', 1_711_843_200n, ''],
    ['2024/03/31', () => '2024/03/31', 1_711_843_200n, ''],
    ['1711843200', () => 1_711_843_200, 1_711_843_200n, 'times are seconds since 1970'],
    ['1711843200000', () => 1_711_843_200_000, 1_711_843_200n, 'times are milliseconds since 1970'],
    ['1711843200000000', () => 1_711_843_200_000_000, 1_711_843_200n, 'times are microseconds since 1970'],
    ['1711843200000000000', () => '1711843200000000000', 1_711_843_200n, 'times are nanoseconds since 1970'],
    ['45382', () => 45_382, 1_711_843_200n, "a spreadsheet's serial date"],
  ])('a time such as %s is read, and its unit said', async (_, column, seconds, note) => {
    const data = await read({ timestamp: column, temp: noise, state }, { truth: 'state' });
    expect(data.times?.[0]).toBe(seconds * 1_000_000_000n);
    expect(data.notes.join('\n')).toContain(note);
  });

  it('data.timeUnit overrides the size; without it times of two sizes are refused with their line', async () => {
    const mixed = (row: number) => (row === 30 ? 1_711_843_200_000 : 1_711_843_200 + row);
    const columns = { time: mixed, temp: noise, state };
    await expect(read(columns)).rejects.toThrow(
      /line 32, column "time": "1711843200000" is milliseconds since 1970 by its size/,
    );
    const data = await read(columns, { timeUnit: 'ms' });
    expect(data.times?.[0]).toBe(1_711_843_200_000_000n);
  });

  it('day and month that cannot be told apart are refused with advice', async () => {
    const columns = { when: () => '03/04/2024 10:00', temp: noise };
    await expect(read(columns, { time: 'when' })).rejects.toThrow(/line 2, column "when": .* write the year first/);
  });
});

describe('numbers with units', () => {
  it('are read where all have the same, which is said', async () => {
    const data = await read(
      { temp: (row) => `${noise(row)} °C`, hum: (row) => `${row % 9}%`, state },
      { truth: 'state' },
    );
    expect([...data.values.subarray(0, 4)]).toEqual([noise(0), 0, noise(1), 1]);
    expect(roleOf(data, 'temp').reason).toBe('in °C');
  });

  it.each([
    [
      'another one',
      (row: number) => `${row} ${row === 40 ? '°F' : '°C'}`,
      /line 42, column "temp": "40 °F" is in °F, but most cells are in °C/,
    ],
    [
      'none',
      (row: number) => (row === 40 ? row : `${row} °C`),
      /line 42, column "temp": "40" has no unit, but most cells are in °C/,
    ],
  ])('are refused with their line where one has %s', async (_, temp, message) => {
    await expect(read({ temp, state }, { truth: 'state' })).rejects.toThrow(message);
  });
});

describe('a separator that can be read in two ways', () => {
  const table = async (lines: readonly string[], options: Omit<DatasetOptions, 'file'> = {}) => {
    await writeFile(join(folder, 'two.csv'), `a;state\n${lines.join(';ok\n')};hot\n`);
    return [...(await readDataset({ file: join(folder, 'two.csv'), truth: 'state', ...options })).values];
  };

  it('is decided by any cell of the table, or by --decimal', async () => {
    expect(await table(['1,234', '5,678', '1,5'])).toEqual([1.234, 5.678, 1.5]);
    expect(await table(['1,234', '5,678', '1,234.5'])).toEqual([1234, 5678, 1234.5]);
    expect(await table(['1,234', '567', '12'])).toEqual([1234, 567, 12]);
    expect(await table(['1,234', '5,678'], { decimal: ',' })).toEqual([1.234, 5.678]);
    expect(await table(['1,234', '5,678'], { decimal: '.' })).toEqual([1234, 5678]);
  });

  it('is said where every point may be that of a thousand', async () => {
    await writeFile(join(folder, 'points.csv'), 'a;state\n1.234;ok\n5.678;hot\n');
    const said = async (decimal?: '.' | ',') => {
      const data = await readDataset({ file: join(folder, 'points.csv'), truth: 'state', ...(decimal && { decimal }) });
      return { values: [...data.values], said: describeDataset(data).join('\n') };
    };
    const point = await said();
    expect(point.values).toEqual([1.234, 5.678]);
    expect(point.said).toMatch(/a decimal point \(line 2, column "a": "1.234", which no cell proves: .*--decimal/);
    expect((await said(',')).values).toEqual([1234, 5678]);
  });

  it('is refused where none decides', async () => {
    await expect(table(['1,234', '5,678'])).rejects.toThrow(/line 2, column "a": "1,234" can be read in two ways/);
  });
});

it('a value that alone gives the label away is found; a good one that overlaps is none', async () => {
  const columns = {
    code: (row: number) => (row % 2 ? 7 : 3),
    good: (row: number) => (row === 10 ? 99 : (row % 2) * 20 + noise(row)),
    state,
  };
  const data = await read(columns, { truth: 'state' });
  expect(giveaways(data)).toEqual(['code']);
});
