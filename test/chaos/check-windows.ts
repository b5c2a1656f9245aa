import type { Undisturbed } from '../line/undisturbed.ts';

/** Notes a promise that was broken, unless nothing was found. @returns how often */
export type Broken = (promise: string, found: Iterable<string>, count?: number) => number;

/** A prediction of a window as the log has it. */
export interface WindowPrediction {
  /** Device and end. */
  readonly identity: string;
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

/** Each window of the log has one prediction, which is that of a run without faults; and every sample is accounted for. */
export function checkWindows(evidence: WindowEvidence, broken: Broken): WindowCounts {
  const { undisturbed, predictions } = evidence;
  const [whole] = undisturbed.values();
  if (!whole) throw new Error('there is no run without faults to compare with');
  const found = new Map<string, number>();
  for (const { identity } of predictions) found.set(identity, (found.get(identity) ?? 0) + 1);
  const wanted = whole.windows;
  const lost = broken(
    'every window that closed has a prediction',
    [...wanted.keys()].filter((identity) => !found.has(identity)),
  );
  const duplicated = broken(
    'no window has two predictions',
    [...found].filter(([, count]) => count > 1).map(([identity]) => identity),
  );
  broken(
    'there is no prediction without a window',
    [...found.keys()].filter((identity) => !wanted.has(identity)),
  );
  broken(
    'a prediction is what a run without faults gives',
    predictions
      .filter(
        ({ identity, version, said }) =>
          wanted.has(identity) && undisturbed.get(version)?.windows.get(identity) !== said,
      )
      .map(
        ({ identity, version, said }) =>
          `${identity}: ${said} instead of ${undisturbed.get(version)?.windows.get(identity)}`,
      ),
  );
  return {
    ...{ windows: wanted.size, lostWindows: lost, duplicatedWindows: duplicated },
    ...checkAccount(evidence, whole, broken),
  };
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
  const window = steps.find(({ use }) => use === 'window');
  const most = {
    consumed: window?.consumed ?? 0,
    duplicates: steps.reduce((sum, { duplicates }) => sum + duplicates, 0),
    skipped: steps.reduce((sum, { skipped }) => sum + skipped, 0),
    mixed: whole.mixed,
  };
  const names = ['consumed', 'duplicates', 'skipped', 'mixed'] as const;
  broken(
    'classifiers count nothing twice',
    names
      .filter((name) => counted[name] > most[name])
      .map((name) => `${name}: ${counted[name]} counted, there are ${most[name]}`),
  );
  return { samples, steps, skippedBy: whole.skippedBy, mixed: whole.mixed };
}
