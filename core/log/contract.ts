import { describe } from 'vitest';
import { appending } from './contract/appending.ts';
import { draining } from './contract/draining.ts';
import { failing } from './contract/failing.ts';
import { piping } from './contract/piping.ts';
import { placeOfEachTest, type Site, testTimeoutMs } from './contract/place.ts';
import { processes } from './contract/processes.ts';
import { rewinding } from './contract/rewinding.ts';
import { tailing } from './contract/tailing.ts';

/** What every engine of the log must do, each test on a site of its own. `notRun` says why the suite cannot run here. */
export function logContract(engine: string, makeSite: () => Promise<Site>, notRun?: string): void {
  const title = `the log on ${engine}`;
  describe.skipIf(notRun)(notRun ? `${title}: ${notRun}` : title, { timeout: testTimeoutMs }, () => {
    const place = placeOfEachTest(makeSite);
    describe('appending', () => appending(place));
    describe('piping', () => piping(place));
    describe('failing', () => failing(place));
    describe('draining', () => draining(place));
    describe('rewinding', () => rewinding(place));
    describe('tailing', () => tailing(place));
    describe('processes', () => processes(place));
  });
}
