import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Spool } from '../spool/spool.ts';
import { quickFolder, silent } from '../testing.ts';
import { afterPowerLoss, compiler, range, record } from './recording.ts';
import type { Promised } from './spool-workload.ts';

let folder: string;
beforeAll(() => {
  folder = quickFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.runIf(process.env.CI)('a continuous integration run has a C compiler', () => expect(compiler).toBeDefined());

const workload = { module: 'spool-workload.ts', file: 'spool.db' };

describe.runIf(compiler !== undefined)('a power loss at any sync', () => {
  test.each([1, 2, 3, 4])('loses nothing that was promised, whichever unsynced sectors survive (seed %i)', (seed) => {
    const { promises, crashes } = record<Promised>(folder, { ...workload, seed });
    expect(crashes.length).toBeGreaterThan(20);
    const complaints = crashes.flatMap((crash, index) =>
      [1, 2].flatMap((turn) => complaintsAfter(crash, index, promises, 1_000 * seed + turn)),
    );
    expect(complaints).toEqual([]);
  });

  test('is noticed by this test where the disk lies about its syncs', () => {
    const { promises, crashes } = record<Promised>(folder, { ...workload, seed: 5 }, { LYING_DISK: '1' });
    const complaints = crashes.flatMap((crash, index) => complaintsAfter(crash, index, promises, 7));
    expect(complaints.length).toBeGreaterThan(0);
  });
});

/** Builds a state that the disk may have after the power loss, opens it as a spool, and reports each broken promise. */
function complaintsAfter(crash: string, syncs: number, promises: readonly Promised[], seed: number): string[] {
  const after = afterPowerLoss(crash, folder, seed + syncs);
  // Steps that ended before this sync began hold; the one under way may have happened or not.
  const before = promises.findLast((promise) => promise.syncs <= syncs) ?? { appended: 0, removed: 0, sending: 0 };
  const next = promises.find((promise) => promise.syncs > syncs) ?? before;
  const spool = new Spool({
    file: join(after, workload.file),
    maxBytes: 1e9,
    logger: silent,
    lost: () => {},
    nowMs: () => 0,
  });
  const { maybeSent } = spool.start();
  const chunks = contents(spool);
  spool.stop();
  rmSync(after, { recursive: true });
  const wanted = range(next.removed + 1, before.appended);
  const allowed = range(before.removed + 1, next.appended);
  const complaints: string[] = [];
  if (wanted.some((chunk) => !chunks.includes(chunk))) complaints.push(`${crash}: has ${chunks}, promised ${wanted}`);
  if (chunks.some((chunk) => !allowed.includes(chunk))) complaints.push(`${crash}: has ${chunks}, put in ${allowed}`);
  if (chunks.some((chunk, index) => index > 0 && chunk <= chunks[index - 1]!))
    complaints.push(`${crash}: order ${chunks}`);
  const sent = chunks.filter((chunk) => chunk <= before.sending).length;
  if (maybeSent < sent) complaints.push(`${crash}: ${sent} were sent, ${maybeSent} counted`);
  return complaints;
}

/** The numbers of the chunks, each of which must be whole. */
function contents(spool: Spool): number[] {
  const batch = spool.next(Number.MAX_SAFE_INTEGER);
  return (batch?.records ?? []).map(({ value }) => {
    const text = Buffer.from(value).toString();
    const number = text.slice(0, text.indexOf(':'));
    expect(text).toBe(`${number}:`.padEnd(text.length, number));
    return Number(number);
  });
}
