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
  readonly quoted: boolean;
  readonly header: boolean;
  readonly preamble: 'none' | 'comments' | 'sep' | 'mark';
  readonly tail: boolean;
  readonly unit: '' | ' °C' | '%' | ' m³/h';
  readonly zipped: boolean;
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

const layouts: fc.Arbitrary<Layout> = fc.record({
  delimiter: fc.constantFrom(';', '\t', '|', ','),
  decimal: fc.constantFrom('.', ','),
  group: fc.constantFrom('', "'", '_', '\u00a0', 'other'),
  minus: fc.constantFrom('-', '−'),
  gap: fc.constantFrom(...gapWords),
  padding: fc.constantFrom('', ' '),
  end: fc.constantFrom('\n', '\r\n', '\r'),
  quoted: fc.boolean(),
  header: fc.boolean(),
  preamble: fc.constantFrom('none', 'comments', 'sep', 'mark'),
  tail: fc.boolean(),
  unit: fc.constantFrom('', ' °C', '%', ' m³/h'),
  zipped: fc.boolean(),
});

/** Numbers as a sensor gives them: some digits, some decimals, whole ones, large ones. */
const values = fc.oneof(
  fc
    .tuple(fc.integer({ min: -99_999_999, max: 99_999_999 }), fc.integer({ min: 0, max: 6 }))
    .map(([whole, decimals]) => whole / 10 ** decimals),
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
  const { delimiter, padding, end, quoted } = layout;
  const cell = (text: string): string => {
    const needed = quoted || text.includes(delimiter);
    return needed && !(text === '' && !quoted) ? `"${text}"` : text;
  };
  const line = (cells: readonly string[]) =>
    cells.map((text) => padding + cell(text) + padding).join(delimiter) + (layout.tail ? delimiter : '') + end;
  const body = table.map((row, index) =>
    line([...row.map((value) => writeNumber(value, layout)), index % 2 ? 'hot' : 'cold']),
  );
  const preambles = {
    none: '',
    comments: `# made by a logger${end}# v2${end}`,
    sep: `sep=${delimiter}${end}`,
    mark: '\uFEFF',
  };
  const text =
    preambles[layout.preamble] + (layout.header ? line(['flow', 'a temp', 'vib', 'state']) : '') + body.join('');
  return layout.zipped ? gzipSync(text) : Buffer.from(text);
}

it('a table in any layout is read back value for value, or refused naming the cell', { timeout: 60_000 }, async () => {
  const file = join(folder, 'table.csv');
  let read = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(rows, layouts, async (made, layout) => {
      const table = [[deciding, deciding, deciding], ...made];
      await writeFile(file, writeTable(table, layout));
      const names = layout.header
        ? ['flow', 'a temp', 'vib', 'state']
        : ['column 1', 'column 2', 'column 3', 'column 4'];
      try {
        const data = await readDataset({ file, fields: names.slice(0, 3), truth: names[3]! });
        expect([...data.values]).toEqual(table.flat());
        expect(table.map((_, row) => truthOf(data, row))).toEqual(table.map((_, row) => (row % 2 ? 'hot' : 'cold')));
        read += 1;
      } catch (error) {
        if (!(error instanceof GaplineError)) throw error;
        expect(error.message).toMatch(/table\.csv: line \d+, column "/);
        refused += 1;
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
