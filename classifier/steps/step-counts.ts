import type { PreparedRows } from '../prepared-rows.ts';

/** Samples by what became of them in one batch, over all steps. */
export interface StepCounts {
  /** By reason: rows that a step left out, and rows that were lost with the state of silent devices. */
  readonly skippedBy: ReadonlyMap<string, number>;
  /** Samples that a window took and is done with; without a window, rows that the last step gave; and those whose values were added to another. */
  readonly consumed: number;
  readonly duplicates: number;
  readonly mixed: number;
  /** By kind of fact, the rows that waited for one in vain; they are among those skipped. */
  readonly missedBy: ReadonlyMap<string, number>;
}

/** The reason of a skip: more devices than a session remembers, so the samples of one that was silent long were dropped. */
const forgottenDevice = 'forgotten-device';

export function countSteps({ outcomes, gated }: Pick<PreparedRows, 'outcomes' | 'gated'>): StepCounts {
  const skippedBy = new Map(gated?.skippedBy);
  const skip = (reason: string, count: number) => skippedBy.set(reason, (skippedBy.get(reason) ?? 0) + count);
  let duplicates = 0;
  let mixed = 0;
  let merged = 0;
  for (const { skips, counts } of outcomes) {
    for (const reason of skips.reasons) skip(reason, 1);
    if (counts.evicted > 0) skip(forgottenDevice, counts.evicted);
    duplicates += counts.duplicates;
    mixed += counts.mixed;
    merged += counts.merged;
  }
  const last = outcomes.find(({ use }) => use === 'window') ?? outcomes.at(-1);
  // Windows are done with their samples before they wait for facts.
  const isGatedAlone = gated && last?.use !== 'window';
  const consumed = isGatedAlone ? gated.passed : (last?.counts.consumed ?? 0);
  return { skippedBy, duplicates, mixed, consumed: consumed + merged, missedBy: gated?.missedBy ?? new Map() };
}
