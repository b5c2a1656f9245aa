import { join } from 'node:path';
import { Journal } from '../journal/journal.ts';
import { halfBytes, type Promised } from './journal-workload.ts';
import { range } from './recording.ts';
import { testPowerLosses } from './testing.ts';

const workload = { module: 'journal-workload.ts', file: 'pumps.journal' };

testPowerLosses<Promised>({
  ...{ title: 'a power loss at any sync of the journal', workload, leastCrashes: 10, mixtures: 6 },
  complaintsAfter(folder, syncs, promises) {
    // Steps that ended before this sync began hold; the one under way may have happened or not.
    const before = promises.findLast((promise) => promise.syncs <= syncs) ?? { written: 0, confirmed: 0 };
    const next = promises.find((promise) => promise.syncs > syncs) ?? before;
    const journal = new Journal(join(folder, workload.file), halfBytes);
    journal.close();
    const numbers = journal.left.records.map(({ value }) => Number(Buffer.from(value).toString()));
    const { lost } = journal.left;
    const complaints: string[] = [];
    const wanted = range(next.confirmed + 1, before.written);
    if (wanted.some((number) => !numbers.includes(number))) complaints.push(`has ${numbers}, promised ${wanted}`);
    const [first = 1, last = 0] = [numbers[0], numbers.at(-1)];
    if (String(range(first, last)) !== String(numbers)) complaints.push(`order ${numbers}`);
    if (last > next.written) complaints.push(`has ${last}, written were ${next.written}`);
    if (lost > 0) complaints.push(`${lost} were reported as lost`);
    return complaints;
  },
});
