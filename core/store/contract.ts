import { afterEach, beforeEach, describe, it } from 'vitest';
import type { StoreUnderTest } from './contract/case.ts';
import { identity } from './contract/identity.ts';
import { names } from './contract/names.ts';
import { reading } from './contract/reading.ts';
import { refusals } from './contract/refusals.ts';
import { values } from './contract/values.ts';
import type { SeriesStore } from './port.ts';

/** The suite that every engine of the series store must pass. */
export function describeSeriesStore(engine: string, make: () => Promise<StoreUnderTest>): void {
  describe(`the series store on ${engine}`, { timeout: 60_000 }, () => {
    let place: StoreUnderTest;
    let store: SeriesStore;
    beforeEach(async () => {
      place = await make();
      store = await place.open();
    });
    afterEach(async () => {
      await store.stop();
      await place.remove();
    });

    const cases = { ...identity, ...names, ...values, ...refusals, ...reading };
    for (const [title, run] of Object.entries(cases)) it(title, () => run(() => store, place));
  });
}
