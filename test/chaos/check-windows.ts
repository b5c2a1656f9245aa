import type { Undisturbed } from '../line/undisturbed.ts';

/** Notes a promise that was broken, unless nothing was found. @returns how often */
export type Broken = (promise: string, found: Iterable<string>, count?: number) => number;

/** A prediction of a window as the log has it. */
export interface WindowPrediction {
  /** Device and end. */
  readonly identity: string;
  /** Device and where the window begins. */
  readonly start: string;
  readonly version: number;
  /** All of it but when it was made. */
  readonly said: string;
}

/** What is known of a stream whose model has steps. */
export interface WindowEvidence {
  /** By version of the model: what a classifier makes of the same log that nothing disturbs. */
  readonly undisturbed: ReadonlyMap<number, Undisturbed>;
  /** The predictions topic, as a read-committed consumer sees it. */
  readonly predictions: readonly WindowPrediction[];
  /** What classifiers counted, summed over all that ever ran. What a killed one had counted since its last report is not in it. */
  readonly counted: {
    readonly consumed: number;
    readonly duplicates: number;
    readonly mixed: number;
    readonly skipped: number;
  };
  /** Samples of all records of the readings topic that can be read. Those that cannot be are dead letters and have none. */
  readonly samples: number;
}

export interface WindowCounts {
  readonly windows: number;
  readonly lostWindows: number;
  readonly duplicatedWindows: number;
  readonly samples: number;
  /** By step: in = consumed + duplicates + skipped + held. */
  readonly steps: readonly {
    readonly use: string;
    readonly in: number;
    readonly consumed: number;
    readonly duplicates: number;
    readonly skipped: number;
    readonly held: number;
  }[];
  readonly skippedBy: Readonly<Record<string, number>>;
  readonly mixed: number;
}

/**
 * Each window of the log has one prediction, which is that of a run without faults by the version that labelled it; and every sample is
 * accounted for. The windows of all versions begin at the same times.
 */
export function checkWindows(evidence: WindowEvidence, broken: Broken): WindowCounts {
  const { undisturbed, predictions } = evidence;
  const [whole] = undisturbed.values();
  if (!whole) throw new Error('there is no run without faults to compare with');
  const wanted = startsOf(undisturbed);
  const found = new Set(predictions.map(({ start }) => start));
  const identities = new Set(predictions.map(({ identity }) => identity));
  const lost = broken(
    'every window that closed has a prediction',
    // Of two windows that end together, one of each version, the earlier version's has the identity.
    [...wanted].filter(([start, ends]) => !found.has(start) && !ends.some((end) => identities.has(end))).map(firstOf),
  );
  const duplicated = broken('no window has two predictions', [
    ...new Set([
      ...repeated(predictions.map(({ identity }) => identity)),
      ...repeated(predictions.map(({ start }) => start)),
    ]),
  ]);
  const saidBy = ({ version, identity }: WindowPrediction) => undisturbed.get(version)?.windows.get(identity);
  broken(
    'there is no prediction without a window',
    predictions.filter((each) => saidBy(each) === undefined).map(({ identity }) => identity),
  );
  broken(
    'a prediction is what a run without faults gives',
    predictions
      .filter((each) => saidBy(each) !== undefined && saidBy(each) !== each.said)
      .map((each) => `${each.identity}: ${each.said} instead of ${saidBy(each)}`),
  );
  return {
    ...{ windows: wanted.size, lostWindows: lost, duplicatedWindows: duplicated },
    ...checkAccount(evidence, whole, broken),
  };
}

const firstOf = ([first]: readonly [string, unknown]): string => first;

/** The starts at which a window closed whichever version serves, and the identities of those windows. */
function startsOf(undisturbed: WindowEvidence['undisturbed']): Map<string, string[]> {
  const starts = new Map<string, string[]>();
  for (const run of undisturbed.values())
    for (const [identity, start] of run.starts) starts.set(start, [...(starts.get(start) ?? []), identity]);
  return new Map([...starts].filter(([, identities]) => identities.length === undisturbed.size));
}

function repeated(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1).map(firstOf);
}

/** Samples = consumed by windows + duplicates + skipped + still open, at each step. A dead letter that can be read is consumed too. */
function checkAccount(evidence: WindowEvidence, whole: Undisturbed, broken: Broken) {
  const { samples, counted } = evidence;
  const steps = whole.steps.map((step) => ({
    ...step,
    held: step.in - step.consumed - step.duplicates - step.skipped,
  }));
  const held = steps.reduce((sum, step) => sum + step.held, 0);
  const wrong = steps.filter((step) => step.held < 0).map(({ use, held: open }) => `${use}: ${open} are open`);
  if (held !== whole.held) wrong.push(`${held} of all steps are open, and ${whole.held} wait in them`);
  if (whole.samples !== samples) wrong.push(`there are ${samples} samples, and ${whole.samples} came to the steps`);
  broken('samples are consumed by windows, duplicates, skipped or still open', wrong);
  // Whichever version serves.
  const most = { consumed: 0, duplicates: 0, skipped: 0, mixed: 0 };
  for (const run of evidence.undisturbed.values()) {
    const sumOf = (name: 'duplicates' | 'skipped') => run.steps.reduce((sum, step) => sum + step[name], 0);
    const window = run.steps.find(({ use }) => use === 'window');
    most.consumed = Math.max(most.consumed, window?.consumed ?? 0);
    most.duplicates = Math.max(most.duplicates, sumOf('duplicates'));
    most.skipped = Math.max(most.skipped, sumOf('skipped'));
    most.mixed = Math.max(most.mixed, run.mixed);
  }
  const names = ['consumed', 'duplicates', 'skipped', 'mixed'] as const;
  broken(
    'classifiers count nothing twice',
    names
      .filter((name) => counted[name] > most[name])
      .map((name) => `${name}: ${counted[name]} counted, there are ${most[name]}`),
  );
  return { samples, steps, skippedBy: whole.skippedBy, mixed: whole.mixed };
}
