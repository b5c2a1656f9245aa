import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import type { ObjectRows } from '../../core/partitions/rows.ts';
import { rowsOf, shapes } from '../../core/partitions/testing.ts';
import { toParquet } from '../../core/partitions/write-parquet.ts';
import { describeWithPython, runPython } from '../servers/python.ts';
import { temporaryFolder } from './gapline.ts';

/** Prints what PyArrow finds in files: a line of JSON each, times as whole numbers. */
const script = `
import json, sys
import pyarrow, pyarrow.parquet as parquet
for file in sys.argv[1:]:
    table = parquet.read_table(file)
    time = table["time"].cast(pyarrow.int64()).to_pylist()
    columns = {name: table[name].to_pylist() for name in table.column_names if name != "time"}
    types = [f"{field.name}: {field.type}" + ("" if field.nullable else " not null") for field in table.schema]
    print(json.dumps({"types": types, "time": [str(each) for each in time], **columns}))
`;

/** The same of rows. */
function expected({ device, columns, count, times, values, truths, truth, ends }: ObjectRows) {
  const numbers = columns.map(({ name }, at) => [
    name,
    Array.from(values[at] ?? [], (value) => (Number.isNaN(value) ? null : value)),
  ]);
  return {
    types: [
      'device: string not null',
      'time: timestamp[ns, tz=UTC] not null',
      ...columns.map(({ name }) => `${name}: double`),
      ...['truth: string', 'endsSegment: bool'],
    ],
    time: Array.from(times, String),
    device: new Array<string>(count).fill(device),
    ...Object.fromEntries(numbers),
    truth: Array.from(truth, (index) => truths[index] ?? null),
    endsSegment: Array.from(ends, (end) => (end === 1 ? true : null)),
  };
}

describeWithPython('mlflow', 'exported Parquet', (python) => {
  test('PyArrow reads what was written', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    const all = fc.sample(shapes, { numRuns: 40, seed: 7 }).map((shape, seed) => rowsOf(shape, mulberry32(seed)));
    const files = all.map((_, index) => join(folder, `${index}.parquet`));
    for (const [index, rows] of all.entries()) writeFileSync(files[index] ?? '', await toParquet(rows));
    const { stdout, stderr, code } = await runPython(python(), ['-c', script, ...files]);
    expect(code, stderr).toBe(0);
    const found = stdout.trim().split('\n');
    expect(found).toHaveLength(all.length);
    for (const [index, rows] of all.entries()) expect(JSON.parse(found[index] ?? '')).toEqual(expected(rows));
  });
});
