import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { contents } from '../../core/log/contract/fixture.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { silent } from '../testing.ts';
import { type Promised, topic } from './log-workload.ts';
import { range } from './recording.ts';
import { testPowerLosses } from './testing.ts';

const workload = { module: 'log-workload.ts', file: 'log.db' };

testPowerLosses<Promised>({
  ...{ title: 'a power loss at any sync of the embedded log', workload, leastCrashes: 30, mixtures: 2 },
  async complaintsAfter(folder, syncs, promises) {
    // Steps that ended before this sync began hold; the one under way may have happened or not.
    const before = promises.findLast((promise) => promise.syncs <= syncs)?.written ?? 0;
    const next = promises.find((promise) => promise.syncs > syncs)?.written ?? before;
    // Nothing was promised yet: there may not even be a topic.
    if (before === 0) return [];
    const file = join(folder, workload.file);
    const log = createSqliteLog({ file, logger: silent });
    const found = await log
      .start()
      .then(() => contents(log, topic))
      .catch(String)
      .finally(() => log.stop());
    if (typeof found === 'string') return [found];
    const numbers = found
      .map(({ value }) => Number.parseInt(Buffer.from(value).toString(), 10))
      .toSorted((left, right) => left - right);
    const complaints: string[] = [];
    if (String(numbers) !== String(range(1, numbers.length))) complaints.push(`has ${numbers}`);
    if (numbers.length < before || numbers.length > next)
      complaints.push(`has ${numbers.length} records, promised ${before}, written ${next}`);
    const database = new DatabaseSync(file);
    const check = database.prepare('PRAGMA integrity_check').get()?.integrity_check;
    database.close();
    if (check !== 'ok') complaints.push(`integrity: ${check}`);
    return complaints;
  },
});
