// The pictures of signals.md that show how right estimators of whole series are with samples missing: drawn from the table that
// `npm run bench -- series --part gaps` writes into benchmarks.md, whatever rows it has. `npm run docs` writes them.
import { linePlot, type Series } from './plot.ts';

/** How samples are lost, as the columns of the table say it. */
const ways = ['at random', 'in bursts'] as const;

/**
 * Both pictures, by file.
 * @param page - benchmarks.md
 * @throws where the page has no such table, or a cell of it is no number
 */
export function seriesGapPictures(page: string): Record<string, string> {
  const { columns, rows } = tableOf(page);
  const pictureOf = (way: (typeof ways)[number]): string =>
    linePlot({
      title: `Accuracy with samples missing ${way}`,
      x: '% of samples missing, in training and in service',
      y: 'mean accuracy over the data sets',
      series: rows.map(({ name, cells }): Series => ({ name, points: pointsOf(columns, cells, way) })),
    });
  return {
    'docs/pictures/signals-missing-random.svg': pictureOf('at random'),
    'docs/pictures/signals-missing-bursts.svg': pictureOf('in bursts'),
  };
}

/** The table between the marks that the benchmark writes. */
function tableOf(page: string) {
  const [, section] = /<!-- series-gaps -->([\s\S]*?)<!-- \/series-gaps -->/.exec(page) ?? [];
  const lines = (section ?? '').split('\n').filter((line) => line.startsWith('|'));
  const [head, , ...body] = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  if (!head || body.length === 0) throw new Error('docs/benchmarks.md: the section series-gaps has no table');
  return { columns: head.slice(1), rows: body.map(([name = '', ...cells]) => ({ name, cells })) };
}

/** A row's figures of one way, from none missing on. */
function pointsOf(columns: readonly string[], cells: readonly string[], way: string): Series['points'] {
  return columns.flatMap((column, at): (readonly [number, number])[] => {
    const share = column === 'none' ? 0 : column.endsWith(`% ${way}`) ? Number.parseFloat(column) : undefined;
    if (share === undefined) return [];
    const accuracy = Number(cells[at] || Number.NaN);
    if (Number.isNaN(accuracy)) throw new Error(`docs/benchmarks.md: ${column}: ${cells[at]} is no accuracy`);
    return [[share, accuracy]];
  });
}
