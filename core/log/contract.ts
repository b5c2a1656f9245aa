import { describe } from 'vitest';
import { appending } from './contract/appending.ts';
import { draining } from './contract/draining.ts';
import { failing } from './contract/failing.ts';
import { fixtureOfEachTest, type LogToOpen, testTimeoutMs } from './contract/fixture.ts';
import { piping } from './contract/piping.ts';
import { processes } from './contract/processes.ts';
import { restoring } from './contract/restoring.ts';
import { rewinding } from './contract/rewinding.ts';
import { tailing } from './contract/tailing.ts';

/** What every engine of the log must do, each test on a log of its own. `notRun` says why the suite cannot run here. */
export function logContract(engine: string, makeLog: () => Promise<LogToOpen>, notRun?: string): void {
  const title = `the log on ${engine}`;
  describe.skipIf(notRun)(notRun ? `${title}: ${notRun}` : title, { timeout: testTimeoutMs }, () => {
    const fixture = fixtureOfEachTest(makeLog);
    describe('appending', () => appending(fixture));
    describe('piping', () => piping(fixture));
    describe('failing', () => failing(fixture));
    describe('draining', () => draining(fixture));
    describe('rewinding', () => rewinding(fixture));
    describe('restoring', () => restoring(fixture));
    describe('tailing', () => tailing(fixture));
    describe('processes', () => processes(fixture));
  });
}
