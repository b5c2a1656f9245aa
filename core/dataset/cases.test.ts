// Tables as users had them: each was read wrongly once, or in silence. What stands here is the right value.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { truthOf } from './dataset.ts';
import { describeDataset } from './describe.ts';
import { guessLabel } from './label.ts';
import { type DatasetOptions, readTable } from './read.ts';
import { surveyTable } from './survey.ts';

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name);

/** Reads a fixture as `gapline new` does: the label is guessed. */
async function read(name: string, options: Omit<DatasetOptions, 'file'> = {}) {
  const survey = await surveyTable([fixture(name)]);
  const guess = guessLabel(survey.columns);
  const truth = 'label' in guess ? guess.label : undefined;
  const { dataset } = await readTable({ truth, ...options }, survey);
  const firstRow = [...dataset.values.subarray(0, dataset.width)];
  const roles = Object.fromEntries(dataset.columns.map(({ name, role }) => [name, role]));
  return { guess, dataset, firstRow, roles, said: describeDataset(dataset).join('\n') };
}

const tempVib = { temp: 'value', vib: 'value', state: 'label' };

describe('a table as a user had it is read right', () => {
  it.each([
    ['minus.csv', [-27.14, 2.721], tempVib],
    ['mixcomma.csv', [27.08, 1051], { temp: 'value', rpm: 'value', state: 'label' }],
    ['thousands.csv', [27138.94, 2.721], tempVib],
    ['under.csv', [27138, 2.721], tempVib],
    ['comment.csv', [27.14, 2.721], tempVib],
    ['deccomma.csv', [27.14, 2.721], { ...tempVib, 'column 4': 'left out', 'column 5': 'left out' }],
    ['sep.csv', [27.14, 2.721], tempVib],
    ['spaces.csv', [27.14, 2.721], tempVib],
    ['trailcomma.csv', [27.14, 2.721], tempVib],
    ['ucirow.csv', [27.14, 2.721], { 'column 1': 'value', 'column 2': 'value', 'column 3': 'label' }],
    ['Nat.csv', [27.14, 2.721], tempVib],
    ['hashNA.csv', [27.14, 2.721], tempVib],
    ['mnan.csv', [27.14, 2.721], tempVib],
    ['id.csv', [49.87, 2.351], { id: 'left out', ...tempVib }],
    ['t_sec.csv', [38.69, 3.709], { ts: 'time', dev: 'device', ...tempVib }],
    ['space-time.csv', [35.86, 1.944], { ts: 'time', dev: 'device', ...tempVib }],
  ])('%s', async (name, values, roles) => {
    const { firstRow, roles: found, dataset } = await read(name);
    expect(found).toEqual(roles);
    expect(firstRow).toEqual(values);
    expect(dataset.count).toBe(120);
    expect(dataset.classes).toEqual(['hot', 'ok']);
    expect(dataset.labels.every((label) => label >= 0)).toBe(true);
  });

  it.each(['Nat.csv', 'hashNA.csv', 'mnan.csv'])('%s: the word is a gap in each of its 13 cells', async (name) => {
    const { dataset } = await read(name);
    expect(dataset.values.filter(Number.isNaN)).toHaveLength(13);
    expect(dataset.values[8 * 2 - 1]).toBeNaN();
  });

  it('times in seconds are the same as those in RFC 3339', async () => {
    const [seconds, text] = [await read('sec.csv'), await read('rfc.csv')];
    expect(seconds.dataset.times).toEqual(text.dataset.times);
    expect(seconds.dataset.values).toEqual(text.dataset.values);
    expect(seconds.said).toContain('times are seconds since 1970 by their size ("1711843200", line 2)');
  });

  it('a time with a space and an offset is read at that offset', async () => {
    const { dataset } = await read('space-time.csv');
    expect(dataset.times?.[0]).toBe(1_711_839_600_000_000_000n);
  });
});

describe('what a newcomer brings is right, or a question', () => {
  it('cat.csv: what is left out is said, with how much that is', async () => {
    const { said, dataset } = await read('cat.csv');
    expect(dataset.fields).toEqual(['power_kw', 'humidity']);
    expect(said).toContain('left out  site: text: 3 different in 400 of 400 rows');
    expect(said).toContain('left out  door_open: true or false (True, False): 2 different in 400 of 400 rows');
  });

  it('euro.csv: a decimal comma by the line that decides it, gaps, and the device', async () => {
    const { dataset, firstRow, said, roles } = await read('euro.csv');
    expect(firstRow).toEqual([2.838, 3.389, 0.933, 63.434, 6.378, 35.615, 13.48, 1458.189]);
    expect([...dataset.values.subarray(8, 11)]).toEqual([Number.NaN, 1.173, Number.NaN]);
    expect(said).toContain('numbers have a decimal comma (line 2, column "vib_z (mm/s)": "0,933"');
    expect(roles).toMatchObject({ device: 'device', failure_type: 'label' });
  });

  it('nohead.csv: the first line is a row', async () => {
    const { dataset, firstRow, said } = await read('nohead.csv');
    expect(dataset.count).toBe(300);
    expect(firstRow).toEqual([2.838, 3.389, 0.933, 63.434, 6.378, 35.615, 13.48, 1458.189]);
    expect(truthOf(dataset, 0)).toBe('normal');
    expect(dataset.fields[0]).toBe('column 1');
    expect(said).toContain('line 1 is data: there is no header');
  });

  it('pumps-timestamp.csv: the timestamp is the time, without an offset UTC', async () => {
    const { dataset, roles, said } = await read('pumps-timestamp.csv');
    expect(roles).toMatchObject({ timestamp: 'time', device: 'device', failure_type: 'label' });
    expect(dataset.times?.[0]).toBe(1_740_787_200_000_000_000n);
    expect(said).toContain('times without an offset are taken as UTC');
  });

  it.each([
    ['fair.csv', ['rate_marriage', 'religious', 'educ', 'occupation', 'occupation_husb']],
    ['modechoice.csv', ['mode', 'choice', 'psize']],
  ])('%s: several columns may be the label, so it is asked', async (name, candidates) => {
    const { guess } = await read(name);
    const found = 'candidates' in guess ? guess.candidates.map((candidate) => candidate.name) : [];
    expect(found).toEqual(expect.arrayContaining(candidates));
  });

  it.each([
    ['rul.csv', 'RUL'],
    ['rulfloat.csv', 'remaining_hours'],
  ])('%s: the target is a number, not a class', async (name, target) => {
    const { guess } = await read(name);
    expect(guess).toMatchObject({
      candidates: [],
      because: expect.stringContaining(`"${target}", is a number, not a class`),
    });
  });

  it.each([
    ['y2f.csv', ['0.0', '1.0']],
    ['yb.csv', ['False', 'True']],
  ])('%s: classes are the words of the file', async (name, classes) => {
    expect((await read(name)).dataset.classes).toEqual(classes);
  });
});

describe('a Parquet file', () => {
  it('with columns of types that are no cells is read without them, and each is named with the reason', async () => {
    const { dataset, roles, said, firstRow } = await read('unreadable-columns.parquet');
    expect(dataset).toMatchObject({ count: 120, fields: ['temp', 'load'], classes: ['bad', 'good'] });
    expect(firstRow).toEqual([20, Number.NaN]);
    expect(dataset.values.slice(2, 4)).toEqual(Float64Array.of(25 + Math.sin(1), 92 + Math.cos(1)));
    const left = ['iv', 'bs', 'raw', 'ls', 'mp', 'st', 'geo'];
    expect(roles).toMatchObject(Object.fromEntries(left.map((name) => [name, 'left out'])));
    for (const why of ['iv: .* an interval', 'bs: .* BSON', 'raw: .* bytes', 'ls: .* a list', 'mp: .* a map'])
      expect(said).toMatch(new RegExp(`left out {2}${why}`));
    for (const why of ['st: .* a struct', 'geo: .* a shape']) expect(said).toMatch(new RegExp(`left out {2}${why}`));
    await expect(read('unreadable-columns.parquet', { truth: 'mp' })).rejects.toThrow(
      /unreadable-columns\.parquet: column "mp" cannot be read: each cell is a map/,
    );
    await expect(read('unreadable-columns.parquet', { fields: ['temp', 'iv'] })).rejects.toThrow(/column "iv" cannot/);
  });

  it('with a date and a time of day is read to the fraction of a second', async () => {
    const { dataset, roles } = await read('date-and-time.parquet');
    expect(roles).toEqual({ date: 'time', time: 'left out', temp: 'value', state: 'label' });
    expect(dataset.times?.subarray(0, 2)).toEqual(
      BigInt64Array.of(1_769_839_230_250_000_000n, 1_769_839_290_250_000_000n),
    );
  });

  it.each(['snappy', 'gzip', 'zstd', 'brotli'])('packed with %s is read value for value', async (packing) => {
    const { dataset, said } = await read(`pumps-${packing}.parquet`, { time: 'when' });
    expect(dataset).toMatchObject({ count: 50, fields: ['temp', 'count'], classes: ['hot', 'ok'] });
    expect([...dataset.values.subarray(0, 4)]).toEqual([60.20459560692591, 3, 37.22167484342909, 1]);
    expect(dataset.values[3 * 2]).toBeNaN();
    // A nanosecond more than pandas' whole seconds.
    expect(dataset.times?.subarray(0, 2)).toEqual(
      BigInt64Array.of(1_740_787_200_000_000_007n, 1_740_787_230_000_000_007n),
    );
    expect(dataset.devices?.names).toEqual(['p0', 'p1', 'p2']);
    expect(said).toContain('left out  ok: true or false (false, true)');
  });
});

describe('columns with one remark in common', () => {
  const three = (names: readonly string[]) =>
    [['device', 'temp', ...names], ...[1, 2, 3].map((row) => ['a', row, ...names.map(() => 5)])].join('\n');

  it('are one line, where they are many', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gapline-remarks-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const said = async (names: readonly string[]) => {
      const file = join(folder, `${names.length}.csv`);
      writeFileSync(file, three(names));
      const { dataset } = await readTable({}, await surveyTable([file]));
      return describeDataset(dataset).filter((line) => line.includes('the same in every row'));
    };
    expect(await said(['v', 'w'])).toEqual(['v', 'w'].map((name) => `  value     ${name}: the same in every row`));
    expect(await said(['v', 'w', 'x', 'y'])).toEqual(['  values    the same in every row: v, w, x, y']);
  });
});
