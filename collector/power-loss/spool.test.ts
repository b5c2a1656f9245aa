import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Spool } from '../spool/spool.ts';
import { silent } from '../testing.ts';
import { compiler, range } from './recording.ts';
import type { Promised } from './spool-workload.ts';
import { testPowerLosses } from './testing.ts';

test.runIf(process.env.CI)('a continuous integration run has a C compiler', () => expect(compiler).toBeDefined());

const workload = { module: 'spool-workload.ts', file: 'spool.db' };

testPowerLosses<Promised>({
  ...{ title: 'a power loss at any sync', workload, leastCrashes: 20, mixtures: 2 },
  complaintsAfter(folder, syncs, promises) {
    // Steps that ended before this sync began hold; the one under way may have happened or not.
    const before = promises.findLast((promise) => promise.syncs <= syncs) ?? { appended: 0, removed: 0, sending: 0 };
    const next = promises.find((promise) => promise.syncs > syncs) ?? before;
    const spool = new Spool({
      file: join(folder, workload.file),
      maxBytes: 1e9,
      logger: silent,
      lost: () => {},
      nowMs: () => 0,
    });
    const { maybeSent } = spool.start();
    const chunks = contents(spool);
    spool.stop();
    const wanted = range(next.removed + 1, before.appended);
    const allowed = range(before.removed + 1, next.appended);
    const complaints: string[] = [];
    if (wanted.some((chunk) => !chunks.includes(chunk))) complaints.push(`has ${chunks}, promised ${wanted}`);
    if (chunks.some((chunk) => !allowed.includes(chunk))) complaints.push(`has ${chunks}, put in ${allowed}`);
    if (chunks.some((chunk, index) => index > 0 && chunk <= chunks[index - 1]!)) complaints.push(`order ${chunks}`);
    const sent = chunks.filter((chunk) => chunk <= before.sending).length;
    if (maybeSent < sent) complaints.push(`${sent} were sent, ${maybeSent} counted`);
    return complaints;
  },
});

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
