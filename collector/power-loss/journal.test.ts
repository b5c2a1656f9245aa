import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Journal } from '../journal/journal.ts';
import { quickFolder } from '../testing.ts';
import { halfBytes, type Promised } from './journal-workload.ts';
import { afterPowerLoss, compiler, range, record } from './recording.ts';

let folder: string;
beforeAll(() => {
  folder = quickFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const workload = { module: 'journal-workload.ts', file: 'pumps.journal' };

describe.runIf(compiler !== undefined)('a power loss at any sync of the journal', () => {
  test.each([1, 2, 3, 4])('loses nothing that was promised, whichever unsynced sectors survive (seed %i)', (seed) => {
    const { promises, crashes } = record<Promised>(folder, { ...workload, seed });
    expect(crashes.length).toBeGreaterThan(10);
    const complaints = crashes.flatMap((crash, index) =>
      [1, 2, 3].flatMap((turn) => complaintsAfter(crash, index, promises, 1_000 * seed + turn)),
    );
    expect(complaints).toEqual([]);
  });

  test('is noticed by this test where the disk lies about its syncs', () => {
    const { promises, crashes } = record<Promised>(folder, { ...workload, seed: 5 }, { LYING_DISK: '1' });
    const complaints = crashes.flatMap((crash, index) => complaintsAfter(crash, index, promises, 7));
    expect(complaints.length).toBeGreaterThan(0);
  });
});

/** Builds a state that the disk may have after the power loss, opens it as a journal, and reports each broken promise. */
function complaintsAfter(crash: string, syncs: number, promises: readonly Promised[], seed: number): string[] {
  const after = afterPowerLoss(crash, folder, seed + syncs);
  // Steps that ended before this sync began hold; the one under way may have happened or not.
  const before = promises.findLast((promise) => promise.syncs <= syncs) ?? { written: 0, confirmed: 0 };
  const next = promises.find((promise) => promise.syncs > syncs) ?? before;
  const journal = new Journal(join(after, workload.file), halfBytes);
  journal.close();
  rmSync(after, { recursive: true });
  const numbers = journal.left.records.map(({ value }) => Number(Buffer.from(value).toString()));
  const { lost } = journal.left;
  const complaints: string[] = [];
  const wanted = range(next.confirmed + 1, before.written);
  if (wanted.some((number) => !numbers.includes(number)))
    complaints.push(`${crash}: has ${numbers}, promised ${wanted}`);
  const [first = 1, last = 0] = [numbers[0], numbers.at(-1)];
  if (String(range(first, last)) !== String(numbers)) complaints.push(`${crash}: order ${numbers}`);
  if (last > next.written) complaints.push(`${crash}: has ${last}, written were ${next.written}`);
  if (lost > 0) complaints.push(`${crash}: ${lost} were reported as lost`);
  return complaints;
}
