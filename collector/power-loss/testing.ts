import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quickFolder } from '../testing.ts';
import { afterPowerLoss, compiler, record, type Workload } from './recording.ts';

export interface PowerLosses<Promised> {
  readonly title: string;
  readonly workload: Omit<Workload, 'seed'>;
  /** How many syncs a workload has at least. */
  readonly leastCrashes: number;
  /** How many mixtures of synced and unsynced sectors are tried at each sync. */
  readonly mixtures: number;
  /**
   * Opens what is left in `folder` when the power fails at a sync, and reports each broken promise.
   * @param syncs - that had begun before
   */
  complaintsAfter(
    folder: string,
    syncs: number,
    promises: readonly Promised[],
  ): readonly string[] | Promise<readonly string[]>;
}

/** Tests that a workload keeps what it promised, whatever a power loss leaves. */
export function testPowerLosses<Promised>(losses: PowerLosses<Promised>): void {
  const { title, workload, leastCrashes, mixtures } = losses;
  let folder: string;
  beforeAll(() => {
    folder = quickFolder();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const complaintsOf = async (crash: string, syncs: number, promises: readonly Promised[], seed: number) => {
    const after = afterPowerLoss(crash, folder, seed + syncs);
    const complaints = await losses.complaintsAfter(after, syncs, promises);
    rmSync(after, { recursive: true });
    return complaints.map((complaint) => `${crash}: ${complaint}`);
  };

  describe.runIf(compiler !== undefined)(title, () => {
    test.each([1, 2, 3, 4])(
      'loses nothing that was promised, whichever unsynced sectors survive (seed %i)',
      async (seed) => {
        const { promises, crashes } = record<Promised>(folder, { ...workload, seed });
        expect(crashes.length).toBeGreaterThan(leastCrashes);
        for (const [index, crash] of crashes.entries())
          for (let turn = 1; turn <= mixtures; turn += 1)
            expect(await complaintsOf(crash, index, promises, 1_000 * seed + turn)).toEqual([]);
      },
    );

    test('is noticed by this test where the disk lies about its syncs', async () => {
      const { promises, crashes } = record<Promised>(folder, { ...workload, seed: 5 }, { LYING_DISK: '1' });
      const complaints: string[] = [];
      for (const [index, crash] of crashes.entries())
        complaints.push(...(await complaintsOf(crash, index, promises, 7)));
      expect(complaints.length).toBeGreaterThan(0);
    });
  });
}
