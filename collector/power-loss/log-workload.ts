// Runs a seeded series of steps on the embedded log and prints which records must be durable after how many syncs.
// node log-workload.ts FILE CRASH_FOLDER SEED STEPS
import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { silent } from '../testing.ts';
import { randomFrom, range, syncsSoFar } from './recording.ts';

/** What must hold after so many syncs have begun: how many records were acknowledged. */
export interface Promised {
  readonly syncs: number;
  readonly written: number;
}

export const topic = 'readings';
/** Merged after so few batches that this happens often. */
const packing = { batches: 8, batchBytes: 64 << 10, recordsPerBlock: 16 };

async function opened(file: string) {
  const log = createSqliteLog({ file, logger: silent, packing });
  await log.start();
  await log.ensureTopics([{ name: topic, partitions: 3, retentionMs: 1e12 }]);
  return log;
}

async function main([file = '', crashFolder = '', seed, steps]: readonly string[]): Promise<void> {
  const random = randomFrom(Number(seed));
  const promises: Promised[] = [];
  let written = 0;
  let log = await opened(file);
  for (let step = 0; step < Number(steps) * 2; step += 1) {
    const choice = random();
    if (choice < 0.85) {
      const count = 1 + Math.floor(random() * 5);
      const padding = choice < 0.05 ? 50_000 : random() * 1_000;
      const records = range(written + 1, written + count).map((number) => ({
        key: `d-${number % 7}`,
        value: Buffer.from(`${number} ${randomBytes(padding).toString('base64')}`),
      }));
      await log.append(topic, records, { deadlineMs: 10_000 });
      written += count;
    } else if (choice < 0.95) {
      // The next commits are written over frames that the file holds already.
      const other = new DatabaseSync(file);
      other.exec('PRAGMA wal_checkpoint(RESTART)');
      other.close();
    } else {
      await log.stop();
      log = await opened(file);
    }
    promises.push({ syncs: syncsSoFar(crashFolder), written });
  }
  await log.stop();
  process.stdout.write(JSON.stringify(promises));
}

if (import.meta.main) await main(process.argv.slice(2));
