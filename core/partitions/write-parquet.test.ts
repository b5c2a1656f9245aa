import { parquetMetadata } from 'hyparquet';
import { expect, test } from 'vitest';
import { columnsOf, emptyRows } from './rows.ts';
import { toParquet } from './write-parquet.ts';

test('a reader may skip by device and time: of these a file has bounds', async () => {
  const rows = emptyRows('pump', columnsOf(['x']), 3);
  rows.times.set([10n, 20n, 30n]);
  const bytes = await toParquet({ ...rows, truths: ['ham'], truth: Int32Array.of(0, -1, 0) });
  const { row_groups: groups } = parquetMetadata(bytes.slice().buffer);
  const bounds = groups.flatMap(({ columns }) =>
    columns.map(({ meta_data: meta }) => [
      meta?.path_in_schema.join('.'),
      meta?.statistics?.min_value,
      meta?.statistics?.max_value,
    ]),
  );
  expect(bounds).toMatchObject([
    ['device', 'pump', 'pump'],
    ['time', expect.anything(), expect.anything()],
    ['x', undefined, undefined],
    ['truth', undefined, undefined],
    ['endsSegment', undefined, undefined],
  ]);
});
