// Runs a seeded series of steps on a journal and prints which records must be durable after how many syncs.
// node journal-workload.ts FILE CRASH_FOLDER SEED STEPS
import { setTimeout as sleep } from 'node:timers/promises';
import { Journal } from '../journal/journal.ts';
import { randomFrom, range, syncsSoFar } from './recording.ts';

/** What must hold after so many syncs have begun. `written` and `confirmed` are numbers of records. */
export interface Promised {
  readonly syncs: number;
  readonly written: number;
  readonly confirmed: number;
}

/** Small, so that its halves are written again and again. */
export const halfBytes = 32_768;

async function main([file, crashFolder, seed, steps]: readonly string[]): Promise<void> {
  const random = randomFrom(Number(seed));
  const promises: Promised[] = [];
  let [written, confirmed] = [0, 0];
  let journal = new Journal(file ?? '', halfBytes);
  for (let step = 0; step < Number(steps) * 8; step += 1) {
    const choice = random();
    const open = written - confirmed;
    if (choice < 0.985) {
      const count = 1 + Math.floor(random() * 4);
      const records = range(written + 1, written + count).map((number) => ({
        key: 'd',
        value: Buffer.from(`${number}`.padEnd(1 + Math.floor(random() * 1_000))),
      }));
      const writing = journal.write(records);
      const isWaiting = await Promise.race([writing, sleep(200, true)]);
      // Both halves hold what is not confirmed; now the next write is over a half that was confirmed a moment ago.
      if (isWaiting === true) {
        journal.confirm(open);
        confirmed = written;
      }
      await writing;
      written += count;
    } else if (choice < 0.998) {
      const count = Math.ceil(random() * random() * open);
      if (count > 0) journal.confirm(count);
      confirmed += count;
    } else {
      journal.close();
      journal = new Journal(file ?? '', halfBytes);
      journal.confirmLeft();
      confirmed = written;
    }
    promises.push({ syncs: syncsSoFar(crashFolder ?? ''), written, confirmed });
  }
  journal.close();
  process.stdout.write(JSON.stringify(promises));
}

if (import.meta.main) await main(process.argv.slice(2));
