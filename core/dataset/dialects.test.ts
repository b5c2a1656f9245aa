import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GaplineError } from '../wire/errors.ts';
import { truthOf } from './dataset.ts';
import { readDataset } from './read.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-dialects-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** One way to write a table. */
interface Layout {
  readonly delimiter: ';' | '\t' | '|' | ',';
  readonly decimal: '.' | ',';
  readonly group: '' | "'" | '_' | '\u00a0' | 'other';
  readonly minus: '-' | '−';
  readonly gap: string;
  readonly padding: '' | ' ';
  readonly end: '\n' | '\r\n' | '\r';
  readonly quotes: 'where needed' | 'double' | 'single';
  readonly header: boolean;
  readonly preamble: 'none' | 'comments' | 'sep' | 'mark';
  readonly tail: boolean;
  readonly unit: '' | ' °C' | '%' | ' m³/h';
  readonly zipped: boolean;
  readonly when: keyof typeof whens;
}

const gapWords = [
  '',
  'NA',
  'N/A',
  'nan',
  '-nan',
  'NaN',
  '<NA>',
  '#N/A',
  '1.#QNAN',
  '-1.#IND',
  'NaT',
  '\\N',
  '.',
  '-',
  '?',
  'NULL',
  'None',
];

/** Words of one's own, which are said. */
const ownWords = ['missing', '-999', 'not measured', "n'a"];

const two = (value: number) => String(value).padStart(2, '0');
const [hour, minute] = [6, 5];

/** How the time of a row is written, in one column or in two; the day of January 2026 goes down, so that the first proves what it is. */
const whens = {
  none: () => [],
  'RFC 3339': (day: number) => [`2026-01-${two(day)}T06:05:00Z`],
  'a space and an offset': (day: number) => [`2026-01-${two(day)} 07:05:00+01:00`],
  'day first, two digits of the year': (day: number) => [`${two(day)}/01/26 06:05`],
  'month first, two digits of the year': (day: number) => [`1/${day}/26 6:05 AM`],
  'points, two digits of the year': (day: number) => [`${day}.1.26 06:05:00`],
  'the name of the month, two digits of the year': (day: number) => [`${two(day)}-Jan-26 06:05`],
  'year first in two digits': (day: number) => [`26-01-${two(day)} 06:05`],
  'seconds since 1970': (day: number) => [String(Date.UTC(2026, 0, day, hour, minute) / 1_000)],
  'digits and a clock': (day: number) => [`202601${two(day)}`, '06:05'],
  'digits and HHMMSS': (day: number) => [`202601${two(day)}`, '060500'],
  'digits and HHMMSS without zeros in front': (day: number) => [`202601${two(day)}`, '60500'],
  'a date and HHMM': (day: number) => [`2026-01-${two(day)}`, '0605'],
} satisfies Record<string, (day: number) => string[]>;
const dayOf = (row: number) => 31 - (row % 31);
const timeOf = (row: number) => BigInt(Date.UTC(2026, 0, dayOf(row), hour, minute)) * 1_000_000n;

const layouts: fc.Arbitrary<Layout> = fc.record({
  delimiter: fc.constantFrom(';', '\t', '|', ','),
  decimal: fc.constantFrom('.', ','),
  group: fc.constantFrom('', "'", '_', '\u00a0', 'other'),
  minus: fc.constantFrom('-', '−'),
  gap: fc.constantFrom(...gapWords, ...ownWords),
  padding: fc.constantFrom('', ' '),
  end: fc.constantFrom('\n', '\r\n', '\r'),
  quotes: fc.constantFrom('where needed', 'double', 'single'),
  header: fc.boolean(),
  preamble: fc.constantFrom('none', 'comments', 'sep', 'mark'),
  tail: fc.boolean(),
  unit: fc.constantFrom('', ' °C', '%', ' m³/h'),
  zipped: fc.boolean(),
  when: fc.constantFrom(...(Object.keys(whens) as (keyof typeof whens)[])),
});

/** Numbers as a sensor gives them: some digits, some decimals, whole ones, large ones. */
const values = fc.oneof(
  fc
    .tuple(fc.integer({ min: -99_999_999, max: 99_999_999 }), fc.integer({ min: 0, max: 6 }))
    .map(([whole, decimals]) => whole / 10 ** decimals)
    .filter((value) => value !== -999),
  fc.constant(Number.NaN),
);
const rows = fc.array(fc.tuple(values, values, values), { minLength: 6, maxLength: 30 });

/** A number that only the rule of the whole table explains may stand anywhere: one that decides is put first. */
const deciding = 27.08;

function writeNumber(value: number, layout: Layout): string {
  if (Number.isNaN(value)) return layout.gap;
  const [whole = '', fraction] = Math.abs(value)
    .toFixed(6)
    .replace(/\.?0+$/, '')
    .split('.');
  const sign = layout.group === 'other' ? (layout.decimal === '.' ? ',' : '.') : layout.group;
  const grouped = sign === '' ? whole : whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, sign);
  return `${value < 0 ? layout.minus : ''}${grouped}${fraction === undefined ? '' : layout.decimal + fraction}${layout.unit}`;
}

function writeTable(table: readonly (readonly number[])[], layout: Layout): Buffer {
  const { delimiter, padding, end, quotes } = layout;
  const quote = quotes === 'single' ? "'" : '"';
  const cell = (text: string): string =>
    quotes !== 'where needed' || text.includes(delimiter) || text.includes(quote)
      ? `${quote}${text.replaceAll(quote, quote + quote)}${quote}`
      : text;
  const line = (cells: readonly string[]) =>
    cells.map((text) => padding + cell(text) + padding).join(delimiter) + (layout.tail ? delimiter : '') + end;
  const body = table.map((row, index) =>
    line([
      ...whens[layout.when](dayOf(index)),
      ...row.map((value) => writeNumber(value, layout)),
      index % 2 ? 'hot' : 'cold',
    ]),
  );
  const preambles = {
    none: '',
    comments: `# made by a logger${end}# v2${end}`,
    sep: `sep=${delimiter}${end}`,
    mark: '\uFEFF',
  };
  const text = preambles[layout.preamble] + (layout.header ? line(namesOf(layout)) : '') + body.join('');
  return layout.zipped ? gzipSync(text) : Buffer.from(text);
}

const namesOf = ({ when }: Layout): string[] => [
  ...['date', 'time'].slice(0, whens[when](1).length),
  ...['flow', 'a temp', 'vib', 'state'],
];

it('a table in any layout is read back value for value, or refused naming the cell', { timeout: 180_000 }, async () => {
  const file = join(folder, 'table.csv');
  let read = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(rows, layouts, async (made, layout) => {
      const table = [[deciding, deciding, deciding], ...made];
      const columns = whens[layout.when](1).length;
      // Without names a time of day cannot be known as one.
      const header = layout.header || columns > 1;
      await writeFile(file, writeTable(table, { ...layout, header }));
      const names = header ? namesOf(layout) : Array.from({ length: columns + 4 }, (_, at) => `column ${at + 1}`);
      const own = ownWords.includes(layout.gap) ? { gap: [layout.gap] } : {};
      const time = columns > 0 ? { time: names[0] } : {};
      const roles = { fields: names.slice(columns, -1), truth: names.at(-1), ...time, ...own };
      try {
        const data = await readDataset({ file, ...roles });
        expect([...data.values]).toEqual(table.flat());
        if (columns > 0) expect([...(data.times ?? [])]).toEqual(table.map((_, row) => timeOf(row)));
        expect(table.map((_, row) => truthOf(data, row))).toEqual(table.map((_, row) => (row % 2 ? 'hot' : 'cold')));
        read += 1;
      } catch (error) {
        if (!(error instanceof GaplineError)) throw error;
        expect(error.message).toMatch(/table\.csv: line \d+, column "/);
        // Which is the year in 26-01-31 nobody can know.
        if (layout.when !== 'year first in two digits') refused += 1;
      }
    }),
    { numRuns: 500 },
  );
  // Refusals are rare: nearly every layout is understood.
  expect(refused).toBeLessThanOrEqual(read / 20);
});

it('cells that contradict the rule of the table are refused with their line, whatever decides', async () => {
  const file = join(folder, 'contradiction.csv');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 40 }), fc.constantFrom('.', ','), async (at, decimal) => {
      const other = decimal === '.' ? ',' : '.';
      const lines = Array.from({ length: 45 }, (_, row) => `${row}${row === at ? other : decimal}25;ok`);
      await writeFile(file, `flow;state\n${lines.join('\n')}\n`);
      await expect(readDataset({ file, truth: 'state' })).rejects.toMatchObject({
        code: 'data-invalid',
        message: expect.stringContaining(
          `line ${at + 2}, column "flow": "${at}${other}25" is no number with a decimal`,
        ),
      });
      await expect(readDataset({ file, truth: 'state', decimal: other })).rejects.toThrow('line 2, column "flow"');
    }),
    { numRuns: 20 },
  );
});
