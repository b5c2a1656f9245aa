import { join } from 'node:path';
import { pino } from 'pino';
import { readDataset } from '../../core/dataset/read.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import { type Point, readingToPoint } from '../../core/wire/point.ts';
import { root } from './gapline.ts';

const logger = pino({ level: 'silent' });
const firstNs = BigInt(Date.parse('2026-01-01T00:00:00Z')) * 1_000_000n;
const dayNs = 86_400_000_000_000n;

/** So many devices have readings on so many days. */
export const [devices, days] = [5, 6];

const table = () => readDataset({ file: join(root, 'examples/spambase/data/test.csv'), truth: 'label' });

export const spambaseFields = async (): Promise<readonly string[]> => (await table()).fields;

/** A tenth of the values of a reading is missing; of every seventh nobody knows the truth. */
export async function spambasePoints(count: number): Promise<Point[]> {
  const dataset = await table();
  return Array.from({ length: count }, (_, row) => {
    const values = dataset.fields.map((name, column) => {
      const isGap = (row + column) % 10 === 0;
      return [name, isGap ? null : (dataset.values[row * dataset.width + column] ?? null)] as const;
    });
    const truth = dataset.classes[dataset.labels[row] ?? -1];
    const time = String(firstNs + BigInt(row % days) * dayNs + BigInt(row));
    const reading = { stream: 'spambase', device: `device/${row % devices}`, time, received: time };
    return readingToPoint(
      { ...reading, values: Object.fromEntries(values), ...(row % 7 !== 0 && truth !== undefined && { truth }) },
      dataset.width,
    );
  });
}

/** Writes into the embedded archive of a folder, for which no process may run. */
export async function addToArchive(data: string, points: readonly Point[]): Promise<void> {
  const store = createSqliteStore({ file: join(data, 'gapline.db'), logger, packing: false });
  await store.start();
  try {
    const rejected = await store.write(points);
    if (rejected.length > 0) throw new Error(`the archive refuses ${rejected.length} points`);
  } finally {
    await store.stop();
  }
}
